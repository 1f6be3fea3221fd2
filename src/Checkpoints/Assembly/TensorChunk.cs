using System.Collections.Immutable;

namespace Loadline.Checkpoints.Assembly;

/// <summary>A box of a tensor's elements, which lies in a file as a tensor of its own.</summary>
/// <remarks>
/// Elements that follow each other in the whole tensor and in the box alike are a run: all of the innermost dimensions that the box spans, and its part of
/// the next. Runs have the same order in both, so that any stretch of the whole tensor comes from one stretch of the box.
/// </remarks>
internal sealed class TensorChunk
{
    // The dimensions of which runs have an index, outermost first: their sizes in the box, and their steps in the whole tensor, in bytes.
    private readonly List<(long Size, long Step)> _outer = [];

    /// <param name="whole">The shape of the whole tensor; the box is inside it.</param>
    /// <param name="offsets">The box's first index in each dimension.</param>
    /// <param name="entry">The box's own elements.</param>
    public TensorChunk(ImmutableArray<long> whole, ImmutableArray<long> offsets, TensorEntry entry)
    {
        (Offsets, Entry) = (offsets, entry);
        var strides = Shapes.ContiguousStrides(whole.AsSpan());
        var outer = whole.Length;
        long run = entry.DType.BytesPerElement;
        while (outer > 0)
        {
            outer--;
            run *= entry.Shape[outer];
            if (entry.Shape[outer] != whole[outer]) break;
        }

        RunBytes = run;
        Runs = entry.ByteCount == 0 ? 0 : entry.ByteCount / run;
        if (Runs == 0) return;
        for (var d = 0; d < whole.Length; d++) Start += offsets[d] * strides[d] * entry.DType.BytesPerElement;
        for (var d = 0; d < outer; d++)
        {
            var (size, step) = (entry.Shape[d], strides[d] * entry.DType.BytesPerElement);
            // What a box spans as a whole goes on where the dimension around it takes its next step, and one index stands for no dimension.
            if (_outer.Count > 0 && size == whole[d] && _outer[^1].Step == size * step) _outer[^1] = (_outer[^1].Size * size, step);
            else if (size != 1) _outer.Add((size, step));
        }

        End = StartOf(Runs - 1) + run;
    }

    /// <summary>The box's first index in each dimension.</summary>
    public ImmutableArray<long> Offsets { get; }

    /// <summary>The box's own elements; its shape is the box's.</summary>
    public TensorEntry Entry { get; }

    /// <summary>The bytes of a run.</summary>
    public long RunBytes { get; }

    /// <summary>Where its last run ends in the whole tensor, in bytes.</summary>
    public long End { get; }

    /// <summary>Where its first run starts there.</summary>
    public long Start { get; }

    /// <summary>How many runs there are.</summary>
    public long Runs { get; }

    /// <summary>Where a run starts in the whole tensor, in bytes.</summary>
    public long StartOf(long run)
    {
        var start = Start;
        for (var d = _outer.Count - 1; d >= 0; d--)
        {
            (run, var index) = Math.DivRem(run, _outer[d].Size);
            start += index * _outer[d].Step;
        }

        return start;
    }

    /// <summary>Goes through the runs, from one of them on.</summary>
    public RunWalk WalkFrom(long run) => new(_outer, run, Start);

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
