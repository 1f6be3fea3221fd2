using Loadline.Checkpoints;

namespace Loadline.Measuring;

/// <summary>The oracle: a second way to a tensor's bytes that shares nothing with the fast one but the index. Slow for strided views.</summary>
internal static class NaiveReader
{
    /// <summary>Hands out the bytes of the gapless tensor front to back, in pieces of 1 MiB and a rest.</summary>
    public static void Read(Checkpoint checkpoint, TensorEntry entry, SpanReader read)
    {
        var buffer = new byte[Math.Min(entry.ByteCount, ByteSize.MiB)];
        for (long done = 0; done < entry.ByteCount; done += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, entry.ByteCount - done));
            if (entry.IsContiguous) checkpoint.Read(entry.Storage, entry.StorageOffset * entry.DType.BytesPerElement + done, piece);
            else ReadOneByOne(checkpoint, entry, done, piece);
            read(piece);
        }
    }

    private static void ReadOneByOne(Checkpoint checkpoint, TensorEntry entry, long denseOffset, Span<byte> destination)
    {
        var width = entry.DType.BytesPerElement;
        for (var i = 0; i < destination.Length; i += width)
        {
            var (position, rest) = (entry.StorageOffset, (denseOffset + i) / width);
            for (var d = entry.Shape.Length - 1; d >= 0; d--)
            {
                (rest, var index) = Math.DivRem(rest, entry.Shape[d]);
                position += index * entry.Strides[d];
            }

            checkpoint.Read(entry.Storage, position * width, destination.Slice(i, width));
        }
    }
}

/// <summary>Takes bytes that are only lent.</summary>
internal delegate void SpanReader(ReadOnlySpan<byte> bytes);
