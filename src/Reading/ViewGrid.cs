using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>
/// The elements of a tensor with gaps, each of whose dimensions steps over all that those within it reach: then an element has one place in it at most.
/// </summary>
internal sealed class ViewGrid
{
    private readonly long _offset;
    private readonly (long Stride, long Size)[] _dimensions;

    private ViewGrid(long offset, (long Stride, long Size)[] dimensions) => (_offset, _dimensions) = (offset, dimensions);

    /// <summary>Its dimensions, those that step as one merged.</summary>
    public int Dimensions => _dimensions.Length;

    /// <summary>Null for a tensor that is no such.</summary>
    public static ViewGrid? Of(TensorEntry tensor)
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
        return count < reach ? new ViewGrid(tensor.StorageOffset, [.. merged]) : null;
    }

    /// <summary>Whether an element is one of them.</summary>
    public bool Holds(long element) => new Walk(this, element).Element == element;

    /// <summary>Goes through them in the order of the storage.</summary>
    public sealed class Walk
    {
        // To go to the next costs next to nothing, to look one up a division for each dimension.
        private const int MostSteps = 32;

        private readonly ViewGrid _grid;
        private readonly long[] _places;

        /// <summary>From the first one on that is not before an element.</summary>
        public Walk(ViewGrid grid, long element)
        {
            (_grid, _places) = (grid, new long[grid._dimensions.Length]);
            Seek(element);
        }

        /// <summary>The one that the walk is at; the largest number where it has ended.</summary>
        public long Element { get; private set; }

        /// <summary>Goes on to the first one that is not before an element, which is not before the last that was asked for.</summary>
        public void GoTo(long element)
        {
            for (var steps = 0; Element < element; steps++)
            {
                if (steps < MostSteps) Step();
                else Seek(element);
            }
        }

        private void Seek(long element)
        {
            Element = _grid._offset;
            var rest = Math.Max(0, element - Element);
            for (var d = 0; d < _places.Length; d++)
            {
                var (stride, size) = _grid._dimensions[d];
                // Behind all that lie within: the last of those, from which the next step leads out.
                _places[d] = Math.Min(rest / stride, size - 1);
                Element += _places[d] * stride;
                rest -= _places[d] * stride;
            }

            if (rest > 0) Step();
        }

        private void Step()
        {
            for (var d = _places.Length - 1; d >= 0; d--)
            {
                var (stride, size) = _grid._dimensions[d];
                if (++_places[d] < size)
                {
                    Element += stride;
                    return;
                }

                Element -= (size - 1) * stride;
                _places[d] = 0;
            }

            Element = long.MaxValue;
        }
    }
}
