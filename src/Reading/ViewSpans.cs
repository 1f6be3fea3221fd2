using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>
/// Which elements of a storage its tensors hold. A file may have millions of both: an element is looked up, not asked of each tensor. Of tensors without gaps, or whose
/// elements may lie over each other, it is all from the first to the last; of one with gaps, those that it has.
/// </summary>
internal sealed class ViewSpans
{
    /// <summary>
    /// Tensors with gaps that lie among each other are asked one after the other where they have so many dimensions together. Of more, what lies between counts
    /// as theirs.
    /// </summary>
    public const int MostDimensions = 48;

    private readonly Spans _whole;
    private readonly Spans _gapped;

    // For each span of the gapped ones; null where they are many.
    private readonly Grid[]?[] _grids;

    private ViewSpans(Spans whole, Spans gapped, Grid[]?[] grids) => (_whole, _gapped, _grids) = (whole, gapped, grids);

    /// <summary>Those of a storage's tensors.</summary>
    public static ViewSpans Of(WeightStorage storage)
    {
        var (whole, gapped) = (new List<(long Start, long End)>(), new List<(long Start, long End, Grid Grid)>());
        foreach (var tensor in storage.Tensors.Where(t => t.ElementCount > 0))
        {
            var (start, end) = Of(tensor);
            if (Grid.Of(tensor) is { } grid) gapped.Add((start, end, grid));
            else whole.Add((start, end));
        }

        var (spans, grids) = (new List<(long Start, long End)>(), new List<List<Grid>>());
        foreach (var (start, end, grid) in gapped.OrderBy(view => view.Start))
        {
            if (spans.Count > 0 && start <= spans[^1].End) spans[^1] = (spans[^1].Start, Math.Max(spans[^1].End, end));
            else
            {
                spans.Add((start, end));
                grids.Add([]);
            }

            if (!AreMany(grids[^1])) grids[^1].Add(grid);
        }

        return new ViewSpans(Spans.Merged(whole), new Spans(spans), [.. grids.Select(g => AreMany(g) ? null : g.ToArray())]);
    }

    /// <summary>The first and the last element of a tensor that has any.</summary>
    public static (long Start, long End) Of(TensorEntry tensor) =>
        (tensor.StorageOffset, tensor.StorageOffset + Shapes.Reach(tensor.Shape.AsSpan(), tensor.Strides.AsSpan()) - 1);

    /// <summary>Whether an element is one of theirs.</summary>
    public bool Contain(long element)
    {
        if (_whole.IndexOf(element) >= 0) return true;
        if (_gapped.IndexOf(element) is not (>= 0 and var index)) return false;
        var grids = _grids[index];
        if (grids is null) return true;
        foreach (var grid in grids)
        {
            if (grid.Holds(element)) return true;
        }

        return false;
    }

    private static bool AreMany(List<Grid> grids)
    {
        var dimensions = 0;
        foreach (var grid in grids) dimensions += grid.Dimensions.Length;
        return dimensions > MostDimensions;
    }

    /// <summary>Whether an element is a tensor's, or may be.</summary>
    public static bool MayHold(TensorEntry tensor, long element) =>
        tensor.ElementCount > 0 && Of(tensor) is var (start, end) && start <= element && element <= end && Grid.Of(tensor)?.Holds(element) != false;

    private readonly struct Spans(List<(long Start, long End)> spans)
    {
        private readonly long[] _starts = [.. spans.Select(s => s.Start)];
        private readonly long[] _ends = [.. spans.Select(s => s.End)];

        public static Spans Merged(List<(long Start, long End)> spans)
        {
            var merged = new List<(long Start, long End)>();
            foreach (var (start, end) in spans.Order())
            {
                if (merged.Count > 0 && start <= merged[^1].End + 1) merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, end));
                else merged.Add((start, end));
            }

            return new Spans(merged);
        }

        public int IndexOf(long element)
        {
            var index = Array.BinarySearch(_starts, element);
            if (index < 0) index = ~index - 1;
            return index >= 0 && element <= _ends[index] ? index : -1;
        }
    }

    /// <summary>A tensor with gaps, each of whose dimensions steps over all that those within it reach: then an element has one place in it at most.</summary>
    private sealed record Grid(long Offset, (long Stride, long Size)[] Dimensions)
    {
        /// <summary>Null for a tensor that is no such.</summary>
        public static Grid? Of(TensorEntry tensor)
        {
            var dimensions = tensor.Strides.Zip(tensor.Shape).Where(d => d.Second > 1 && d.First != 0).OrderByDescending(d => d.First).ToArray();
            var (reach, count) = (1L, 1L);
            // From within: what steps as if it were more of the dimension inside of it is that.
            var merged = new List<(long Stride, long Size)>();
            for (var d = dimensions.Length - 1; d >= 0; d--)
            {
                var (stride, size) = dimensions[d];
                if (stride < reach) return null;
                reach += (size - 1) * stride;
                count *= size;
                if (merged is [.., var (inner, innerSize)] && stride == inner * innerSize) merged[^1] = (inner, innerSize * size);
                else merged.Add((stride, size));
            }

            merged.Reverse();
            return count < reach ? new Grid(tensor.StorageOffset, [.. merged]) : null;
        }

        public bool Holds(long element)
        {
            var rest = element - Offset;
            if (rest < 0) return false;
            foreach (var (stride, size) in Dimensions)
            {
                (var place, rest) = Math.DivRem(rest, stride);
                if (place >= size) return false;
            }

            return rest == 0;
        }
    }
}
