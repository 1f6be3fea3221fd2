using Loadline.Checkpoints.Assembly;

namespace Loadline.Checkpoints.Zero;

/// <summary>Vectors in a row, as if they were one.</summary>
internal sealed class FlatVector
{
    // More than any disk holds; sums stay far from 63 bits.
    private const long MaxLength = 1L << 58;
    private const int BytesPerPart = 24;

    // A chunk, its entry and its storage, their shapes and strides.
    private const int BytesPerChunk = 400;

    private readonly Ledger _ledger;

    // Those with elements, and where in the row each starts.
    private readonly List<TensorEntry> _parts = [];
    private readonly List<long> _starts = [];

    /// <param name="parts">The vectors.</param>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="ledger">Charged for them, and for every part of them.</param>
    /// <exception cref="CheckpointException">Together they are longer than anything is.</exception>
    public FlatVector(IEnumerable<TensorEntry> parts, string path, Ledger ledger)
    {
        _ledger = ledger;
        foreach (var part in parts)
        {
            _ledger.Work(1);
            var count = part.ElementCount;
            if (count == 0) continue;
            if (count > MaxLength - Length)
            {
                throw new CheckpointException(CheckpointError.LimitExceeded, path, $"has a flat vector of more than {MaxLength} elements");
            }

            _ledger.Charge(BytesPerPart);
            _parts.Add(part);
            _starts.Add(Length);
            Length += count;
        }
    }

    /// <summary>The elements of all.</summary>
    public long Length { get; }

    /// <summary>Some of its elements as parts of a longer vector.</summary>
    /// <param name="from">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="to">Where the first comes in the longer one.</param>
    /// <param name="whole">That one's length.</param>
    public List<TensorChunk> Range(long from, long count, long to, long whole)
    {
        var chunks = new List<TensorChunk>();
        if (count == 0) return chunks;
        // The last one that starts at or before it.
        var found = _starts.BinarySearch(from);
        for (var i = found < 0 ? ~found - 1 : found; i < _parts.Count && _starts[i] < from + count; i++)
        {
            var (first, end) = (Math.Max(from, _starts[i]), Math.Min(from + count, _starts[i] + _parts[i].ElementCount));
            _ledger.Work(1);
            _ledger.Charge(BytesPerChunk);
            chunks.Add(new TensorChunk([whole], [to + first - from], Cut(_parts[i], first - _starts[i], end - first)));
        }

        return chunks;
    }

    // A storage of its own: what else lies in the vector belongs to other parameters.
    private static TensorEntry Cut(TensorEntry part, long first, long count)
    {
        var width = part.DType.BytesPerElement;
        var position = (part.StorageOffset + first) * width;
        return new TensorEntry("", part.DType, [count], [1], 0, new StorageEntry(part.Storage.File, part.Storage.Position + position, count * width));
    }
}
