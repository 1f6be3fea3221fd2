using System.Collections.Immutable;

namespace Loadline.Checkpoints.Assembly;

/// <summary>
/// A part of a tensor whose elements follow each other in row-major order: whole rows, or a run inside one. In the storage they may lie anywhere.
/// </summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="First">The first unit, counted in units from the storage's start.</param>
/// <param name="UnitBytes">The bytes that lie together: an element, or one byte where all of the tensor lies together.</param>
/// <param name="Sizes">How many units in each dimension.</param>
/// <param name="Strides">In units, as many as sizes.</param>
internal readonly record struct TensorPiece(
    TensorEntry Tensor, long First, int UnitBytes, ImmutableArray<long> Sizes, ImmutableArray<long> Strides)
{
    /// <summary>Bytes of the piece, laid out without gaps.</summary>
    public int Bytes => (int)(Shapes.ElementCount(Sizes.AsSpan()) * UnitBytes);

    /// <summary>Cuts a tensor into pieces of at most <paramref name="pieceBytes"/>, which holds whole elements of every dtype.</summary>
    public static IEnumerable<TensorPiece> Of(TensorEntry tensor, int pieceBytes)
    {
        var (shape, strides, first, unitBytes) = tensor.IsContiguous
            ? ([tensor.ByteCount], [1], tensor.DType.ByteCount(tensor.StorageOffset), 1)
            : (tensor.Shape, tensor.Strides, tensor.StorageOffset, tensor.DType.BytesPerElement);
        if (shape.Contains(0)) yield break;

        // Dimensions behind the cut come whole, those before it one index at a time.
        var (cut, inside) = (shape.Length - 1, 1L);
        while (cut > 0 && inside * shape[cut] * unitBytes <= pieceBytes) inside *= shape[cut--];
        var step = pieceBytes / (inside * unitBytes);
        var index = new long[cut + 1];
        do
        {
            var start = first;
            for (var d = 0; d <= cut; d++) start += index[d] * strides[d];
            var size = Math.Min(step, shape[cut] - index[cut]);
            yield return new TensorPiece(tensor, start, unitBytes, [size, .. shape[(cut + 1)..]], strides[cut..]);
        }
        while (Advance(index, shape, step));
    }

    /// <summary>
    /// The largest piece that starts at an element, counted in row-major order, and has at most so many: a part of one dimension, and all of those
    /// inside it. The view is neither empty nor a scalar.
    /// </summary>
    public static TensorPiece At(TensorEntry view, long element, int mostElements)
    {
        var (first, size, inside, cut) = (view.StorageOffset, 1L, 1L, 0);
        var isWhole = true;
        for (var d = view.Shape.Length - 1; d >= 0; d--)
        {
            (element, var index) = Math.DivRem(element, view.Shape[d]);
            first += index * view.Strides[d];
            if (!isWhole) continue;
            inside *= size;
            (cut, size) = (d, Math.Min(view.Shape[d] - index, mostElements / inside));
            isWhole = size == view.Shape[d];
        }

        return new TensorPiece(view, first, view.DType.BytesPerElement, [size, .. view.Shape[(cut + 1)..]], view.Strides[cut..]);
    }

    private static bool Advance(long[] index, ImmutableArray<long> shape, long step)
    {
        for (var d = index.Length - 1; d >= 0; d--)
        {
            index[d] += d == index.Length - 1 ? step : 1;
            if (index[d] < shape[d]) return true;
            index[d] = 0;
        }

        return false;
    }
}
