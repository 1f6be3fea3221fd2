using System.Numerics;

namespace Loadline.Checkpoints.Pickles;

/// <summary>About how much memory the values of a pickle take on the managed heap.</summary>
internal static class MemorySize
{
    /// <summary>A reference in a container, in the memo or on the stack.</summary>
    public const int PerItem = 8;

    // An object's header, its type and its length.
    private const int Header = 24;

    public static long Of(object? value) => value switch
    {
        null or bool or PickleGlobal => 0,
        long or double => Header,
        string text => OfText(text),
        byte[] bytes => Header + bytes.LongLength,
        BigInteger integer => 2 * Header + integer.GetByteCount(),
        PickleContainer container => 2 * Header + PerItem * (long)container.Items.Length,
        StorageReference => 2 * Header,
        TensorValue tensor => 5 * Header + 8L * (tensor.Shape.Length + tensor.Strides.Length),
        RefusedTensor refused => Header + OfText(refused.Problem),
        _ => throw new ArgumentException($"a pickle has no values of type {value.GetType().Name}", nameof(value)),
    };

    public static long OfText(string text) => Header + 2L * text.Length;
}
