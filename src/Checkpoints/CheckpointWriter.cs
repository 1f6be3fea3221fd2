using System.Collections.Immutable;

namespace Loadline.Checkpoints;

/// <summary>A tensor that is to be written.</summary>
/// <param name="Name">The name in the state dict.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="SharesWith">The name of an earlier tensor of the same dtype and element count whose bytes this one shares (a tie), else null.</param>
public sealed record TensorDeclaration(string Name, DType DType, ImmutableArray<long> Shape, string? SharesWith = null)
{
    /// <summary>Bytes of the tensor without gaps.</summary>
    public long ByteCount => DType.ByteCount(Shapes.ElementCount(Shape.AsSpan()));
}

/// <summary>
/// Writes a checkpoint front to back in bounded memory: all tensors are declared first, then their bytes follow in the order declared
/// (tensors that share with an earlier one have none), in pieces of any size. Nothing stands under the final name before
/// <see cref="Commit"/>; disposing without it removes what was written.
/// </summary>
public abstract class CheckpointWriter : IDisposable
{
    /// <summary>Starts a checkpoint; an existing file or folder of that name is replaced at <see cref="Commit"/>.</summary>
    /// <exception cref="CheckpointException">The format cannot hold one of the tensors, or two have the same name.</exception>
    /// <exception cref="IOException">The target cannot be written; the message names it, and for a full disk the bytes needed and free.</exception>
    public static CheckpointWriter Create(
        string path, CheckpointFormat format, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        throw new NotSupportedException();

    /// <summary>Appends bytes of the tensors, in the order declared.</summary>
    public abstract void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Appends zeros without writing them: a hole that takes no disk space where the file system knows holes.</summary>
    public abstract void WriteHole(long bytes);

    /// <summary>Completes the files, syncs them, and moves them under the final name in one step.</summary>
    /// <exception cref="InvalidOperationException">Fewer bytes were written than declared.</exception>
    public abstract void Commit();

    /// <summary>Removes what was not committed.</summary>
    public abstract void Dispose();
}
