using Loadline.Checkpoints.Assembly;

namespace Loadline.Checkpoints.Zero;

/// <summary>Vectors in a row, as if they were one.</summary>
internal sealed class FlatVector(List<TensorEntry> parts)
{
    /// <summary>The elements of all.</summary>
    public long Length { get; } = parts.Sum(p => p.ElementCount);

    /// <summary>Some of its elements as parts of a longer vector.</summary>
    /// <param name="from">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="to">Where the first comes in the longer one.</param>
    /// <param name="whole">That one's length.</param>
    public List<TensorChunk> Range(long from, long count, long to, long whole)
    {
        var chunks = new List<TensorChunk>();
        var start = 0L;
        foreach (var part in parts)
        {
            var (first, end) = (Math.Max(from, start), Math.Min(from + count, start + part.ElementCount));
            if (first < end) chunks.Add(new TensorChunk([whole], [to + first - from], Cut(part, first - start, end - first)));
            start += part.ElementCount;
        }

        return chunks;
    }

    // A storage of its own: what else lies in the vector belongs to other parameters.
    private static TensorEntry Cut(TensorEntry part, long first, long count)
    {
        var width = part.DType.BytesPerElement;
        var position = (part.StorageOffset + first) * width;
        return part.Storage.IsMappable
            ? new TensorEntry("", part.DType, [count], [1], 0, new StorageEntry(part.Storage.File, part.Storage.Position + position, count * width))
            : part with { Name = "", Shape = [count], Strides = [1], StorageOffset = part.StorageOffset + first };
    }
}
