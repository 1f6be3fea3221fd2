using Loadline.Checkpoints;

namespace Loadline.Strategies.Loading;

/// <summary>Lays out a strided view's elements row-major without gaps, any part of it at a time.</summary>
internal static unsafe class StridedGather
{
    /// <summary>Writes the bytes that the gapless tensor has from <paramref name="denseOffset"/> on.</summary>
    /// <remarks>
    /// SAFETY: <paramref name="storage"/> must be readable for all of <paramref name="view"/>'s storage; the checkpoint reader has checked that the
    /// view stays inside it. <paramref name="denseOffset"/> and the destination's length are whole elements.
    /// </remarks>
    public static void Read(TensorEntry view, byte* storage, long denseOffset, Span<byte> destination)
    {
        var elementBytes = view.DType.BytesPerElement;
        var shape = view.Shape.AsSpan();
        var strides = view.Strides.AsSpan();
        var index = Index(shape, denseOffset / elementBytes);
        for (var written = 0; written < destination.Length;)
        {
            // The innermost dimension is the only one walked in a loop of its own: gaps are mostly between rows.
            var element = view.StorageOffset;
            for (var d = 0; d < shape.Length; d++) element += index[d] * strides[d];
            var inRow = Math.Min(shape[^1] - index[^1], (destination.Length - written) / elementBytes);
            var source = storage + element * elementBytes;
            if (strides[^1] == 1)
            {
                new ReadOnlySpan<byte>(source, (int)inRow * elementBytes).CopyTo(destination[written..]);
            }
            else
            {
                var gap = strides[^1] * elementBytes;
                for (var i = 0; i < inRow; i++) new ReadOnlySpan<byte>(source + i * gap, elementBytes).CopyTo(destination[(written + i * elementBytes)..]);
            }

            written += (int)inRow * elementBytes;
            Advance(index, shape, inRow);
        }
    }

    private static long[] Index(ReadOnlySpan<long> shape, long element)
    {
        var index = new long[shape.Length];
        for (var d = shape.Length - 1; d >= 0; d--) (element, index[d]) = Math.DivRem(element, shape[d]);
        return index;
    }

    private static void Advance(long[] index, ReadOnlySpan<long> shape, long count)
    {
        index[^1] += count;
        for (var d = shape.Length - 1; d > 0 && index[d] == shape[d]; d--)
        {
            index[d] = 0;
            index[d - 1]++;
        }
    }
}
