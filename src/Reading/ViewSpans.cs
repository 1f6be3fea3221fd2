using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>
/// Which elements of a storage its tensors hold. A file may have millions of both: they are gone through together, in the order of the storage. Of tensors without
/// gaps, or whose elements may lie over each other, it is all from the first to the last; of one with gaps, those that it has.
/// </summary>
internal sealed class ViewSpans
{
    /// <summary>
    /// Tensors with gaps that lie among each other are gone through each for itself where they have so many dimensions together. Of more, what lies between counts
    /// as theirs.
    /// </summary>
    public const int MostDimensions = 12;

    private readonly (long Start, long End)[] _whole;
    private readonly (long Start, long End)[] _gapped;

    // For each span of the gapped ones; null where they are many.
    private readonly ViewGrid[]?[] _grids;

    private ViewSpans((long Start, long End)[] whole, (long Start, long End)[] gapped, ViewGrid[]?[] grids) => (_whole, _gapped, _grids) = (whole, gapped, grids);

    /// <summary>Those of a storage's tensors.</summary>
    public static ViewSpans Of(WeightStorage storage)
    {
        var (whole, gapped) = (new List<(long Start, long End)>(), new List<(long Start, long End, ViewGrid Grid)>());
        foreach (var tensor in storage.Tensors.Where(t => t.ElementCount > 0))
        {
            var (start, end) = Of(tensor);
            if (ViewGrid.Of(tensor) is { } grid) gapped.Add((start, end, grid));
            else whole.Add((start, end));
        }

        var (spans, grids) = (new List<(long Start, long End)>(), new List<List<ViewGrid>>());
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

        return new ViewSpans(Merged(whole), [.. spans], [.. grids.Select(g => AreMany(g) ? null : g.ToArray())]);
    }

    /// <summary>The first and the last element of a tensor that has any.</summary>
    public static (long Start, long End) Of(TensorEntry tensor) =>
        (tensor.StorageOffset, tensor.StorageOffset + Shapes.Reach(tensor.Shape.AsSpan(), tensor.Strides.AsSpan()) - 1);

    /// <summary>Whether an element is a tensor's, or may be.</summary>
    public static bool MayHold(TensorEntry tensor, long element) =>
        tensor.ElementCount > 0 && Of(tensor) is var (start, end) && start <= element && element <= end && ViewGrid.Of(tensor)?.Holds(element) != false;

    private static bool AreMany(List<ViewGrid> grids) => grids.Sum(grid => grid.Dimensions) > MostDimensions;

    private static (long Start, long End)[] Merged(List<(long Start, long End)> spans)
    {
        var merged = new List<(long Start, long End)>();
        foreach (var (start, end) in spans.Order())
        {
            if (merged.Count > 0 && start <= merged[^1].End + 1) merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, end));
            else merged.Add((start, end));
        }

        return [.. merged];
    }

    /// <summary>Goes through the elements that a tensor holds, or may, in the order of the storage.</summary>
    /// <param name="spans">Of the tensors.</param>
    public sealed class Walk(ViewSpans spans)
    {
        private readonly SpanWalk _whole = new(spans._whole);
        private readonly SpanWalk _gapped = new(spans._gapped);
        private int _entered = -1;
        private ViewGrid.Walk[]? _grids;

        /// <summary>The first of them that is not before another element, itself not before the last that was asked for; the largest number where there is none.</summary>
        public long NextFrom(long element) => _whole.NextFrom(element) is var next && next == element ? next : Math.Min(next, NextGappedFrom(element));

        private long NextGappedFrom(long element)
        {
            var next = _gapped.NextFrom(element);
            if (next == long.MaxValue) return next;
            if (_entered != _gapped.Index)
            {
                _entered = _gapped.Index;
                _grids = spans._grids[_entered] is { } grids ? [.. grids.Select(grid => new ViewGrid.Walk(grid, next))] : null;
            }

            if (_grids is null) return next;
            // One of them ends where the span does.
            var held = long.MaxValue;
            foreach (var grid in _grids)
            {
                grid.GoTo(next);
                held = Math.Min(held, grid.Element);
            }

            return held;
        }
    }

    /// <summary>Goes through spans that do not meet.</summary>
    private sealed class SpanWalk((long Start, long End)[] spans)
    {
        /// <summary>The first that does not end before the element that was asked for.</summary>
        public int Index { get; private set; } = -1;

        /// <summary>The first element of them that is not before another one; the largest number where there is none.</summary>
        public long NextFrom(long element)
        {
            if (Index < 0) Index = FirstNotBefore(element);
            while (Index < spans.Length && spans[Index].End < element) Index++;
            return Index == spans.Length ? long.MaxValue : Math.Max(element, spans[Index].Start);
        }

        private int FirstNotBefore(long element)
        {
            var (low, high) = (0, spans.Length);
            while (low < high)
            {
                var middle = low + (high - low) / 2;
                if (spans[middle].End >= element) high = middle;
                else low = middle + 1;
            }

            return low;
        }
    }
}
