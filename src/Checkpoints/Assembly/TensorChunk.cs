using System.Collections.Immutable;

namespace Loadline.Checkpoints.Assembly;

/// <summary>A box of a tensor's elements, which lies in a file as a tensor of its own.</summary>
/// <remarks>
/// Elements that follow each other in the whole tensor and in the box alike are a run: all of the innermost dimensions that the box spans, and its part of
/// the next. Runs have the same order in both, so that any stretch of the whole tensor comes from one stretch of the box.
/// </remarks>
internal sealed class TensorChunk
{
    private readonly ImmutableArray<long> _wholeStrides;
    private readonly int _outer;

    /// <param name="whole">The shape of the whole tensor; the box is inside it.</param>
    /// <param name="offsets">The box's first index in each dimension.</param>
    /// <param name="entry">The box's own elements.</param>
    public TensorChunk(ImmutableArray<long> whole, ImmutableArray<long> offsets, TensorEntry entry)
    {
        (Offsets, Entry) = (offsets, entry);
        _wholeStrides = Shapes.ContiguousStrides(whole.AsSpan());
        _outer = whole.Length;
        long run = entry.DType.BytesPerElement;
        while (_outer > 0)
        {
            _outer--;
            run *= entry.Shape[_outer];
            if (entry.Shape[_outer] != whole[_outer]) break;
        }

        RunBytes = run;
        Runs = entry.ByteCount == 0 ? 0 : entry.ByteCount / run;
    }

    /// <summary>The box's first index in each dimension.</summary>
    public ImmutableArray<long> Offsets { get; }

    /// <summary>The box's own elements; its shape is the box's.</summary>
    public TensorEntry Entry { get; }

    /// <summary>The bytes of a run.</summary>
    public long RunBytes { get; }

    /// <summary>How many runs there are.</summary>
    public long Runs { get; }

    /// <summary>Where a run starts in the whole tensor, in bytes.</summary>
    public long StartOf(long run)
    {
        var start = 0L;
        for (var d = _wholeStrides.Length - 1; d >= 0; d--)
        {
            var index = Offsets[d];
            if (d < _outer)
            {
                (run, var inside) = Math.DivRem(run, Entry.Shape[d]);
                index += inside;
            }

            start += index * _wholeStrides[d];
        }

        return start * Entry.DType.BytesPerElement;
    }

    /// <summary>The first run that ends behind a position of the whole tensor; <see cref="Runs"/> where none does.</summary>
    public long FirstBehind(long position)
    {
        var (low, high) = (0L, Runs);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (StartOf(middle) + RunBytes > position) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    /// <summary>Whether two boxes have an element in common.</summary>
    public bool Overlaps(TensorChunk other)
    {
        for (var d = 0; d < Offsets.Length; d++)
        {
            if (Offsets[d] >= other.Offsets[d] + other.Entry.Shape[d] || other.Offsets[d] >= Offsets[d] + Entry.Shape[d]) return false;
        }

        return true;
    }
}
