using Loadline.Checkpoints;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Whether two tensors of a checkpoint are the same weights: one view, or copies.</summary>
internal static class SameValues
{
    private const int PieceBytes = (int)ByteSize.MiB;

    public static bool Are(Checkpoint checkpoint, TensorEntry one, TensorEntry other) => IsSameView(one, other) || IsCopy(checkpoint, one, other);

    private static bool IsSameView(TensorEntry one, TensorEntry other) =>
        one.Storage == other.Storage && one.StorageOffset == other.StorageOffset && one.DType == other.DType
        && one.Shape.SequenceEqual(other.Shape) && one.Strides.SequenceEqual(other.Strides);

    private static bool IsCopy(Checkpoint checkpoint, TensorEntry one, TensorEntry other)
    {
        if (one.DType != other.DType || !one.Shape.SequenceEqual(other.Shape) || !one.IsContiguous || !other.IsContiguous) return false;
        var (left, right) = (new byte[PieceBytes], new byte[PieceBytes]);
        for (long offset = 0; offset < one.ByteCount; offset += PieceBytes)
        {
            var length = (int)Math.Min(PieceBytes, one.ByteCount - offset);
            checkpoint.Read(one.Storage, one.StorageOffset * one.DType.BytesPerElement + offset, left.AsSpan(0, length));
            checkpoint.Read(other.Storage, other.StorageOffset * other.DType.BytesPerElement + offset, right.AsSpan(0, length));
            if (!left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length))) return false;
        }

        return true;
    }
}
