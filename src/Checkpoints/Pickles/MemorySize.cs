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
        string text => OfText(text.Length),
        byte[] bytes => Header + bytes.LongLength,
        PickleTuple tuple => 2 * Header + PerItem * (long)tuple.Count,
        GrowingContainer container => 3 * Header + container.BytesFor(container.Count),
        OpaqueValue => OpaqueValue.Bytes,
        Python2String text => 2 * Header + text.Bytes.LongLength,
        StorageReference => 2 * Header,
        TensorValue tensor => 5 * Header + 8L * (tensor.Shape.Length + tensor.Strides.Length),
        RefusedTensor refused => Header + OfText(refused.Problem.Length),
        NumpyArray array => 4 * Header + array.BytesOfItsOwn,
        NumpyDType type => 2 * Header + OfText(type.Code.Length),
        // Last, and in a method of its own: whoever has none needs no assembly for them.
        BigInteger => OfInteger(value),
        _ => 2 * Header,
    };

    private static long OfInteger(object integer) => 2 * Header + ((BigInteger)integer).GetByteCount();

    /// <summary>A text of so many UTF-16 units.</summary>
    public static long OfText(long length) => Header + 2 * length;
}
