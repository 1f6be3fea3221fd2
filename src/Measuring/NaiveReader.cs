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
        if (!entry.Storage.IsMappable)
        {
            ReadInFileOrder(checkpoint, entry, denseOffset, destination);
            return;
        }

        for (var i = 0; i < destination.Length; i += width)
            checkpoint.Read(entry.Storage, PositionOf(entry, (denseOffset + i) / width) * width, destination.Slice(i, width));
    }

    // What is compressed is inflated from its start for each step back: forward, it is once for a piece.
    private static void ReadInFileOrder(Checkpoint checkpoint, TensorEntry entry, long denseOffset, Span<byte> destination)
    {
        var width = entry.DType.BytesPerElement;
        var (positions, places) = (new long[destination.Length / width], new int[destination.Length / width]);
        for (var i = 0; i < places.Length; i++) (positions[i], places[i]) = (PositionOf(entry, denseOffset / width + i), i);
        Array.Sort(positions, places);
        for (var i = 0; i < places.Length; i++)
        {
            // An element that comes again lies behind the one that was read.
            var place = destination.Slice(places[i] * width, width);
            if (i > 0 && positions[i] == positions[i - 1]) destination.Slice(places[i - 1] * width, width).CopyTo(place);
            else checkpoint.Read(entry.Storage, positions[i] * width, place);
        }
    }

    // Of an element of the gapless tensor, where it is in its storage.
    private static long PositionOf(TensorEntry entry, long element)
    {
        var position = entry.StorageOffset;
        for (var d = entry.Shape.Length - 1; d >= 0; d--)
        {
            (element, var index) = Math.DivRem(element, entry.Shape[d]);
            position += index * entry.Strides[d];
        }

        return position;
    }
}

/// <summary>Takes bytes that are only lent.</summary>
internal delegate void SpanReader(ReadOnlySpan<byte> bytes);
