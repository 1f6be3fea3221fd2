namespace Loadline.Checkpoints.Files;

/// <summary>How a view with gaps is read: what lies near together at once, in a window of memory, and what lies far apart each by itself.</summary>
internal static class GatheredReads
{
    /// <summary>What is in memory at once.</summary>
    public const int WindowBytes = (int)ByteSize.MiB;

    /// <summary>A disk hands out no less.</summary>
    public const int PageBytes = 4096;

    // Far more than any time has, and such that sums do not overflow.
    private const long Most = 1L << 60;

    /// <summary>How many indices of a dimension one read is to bring; 0 where each is better read alone.</summary>
    /// <param name="size">The dimension's size.</param>
    /// <param name="stride">Its stride, in units.</param>
    /// <param name="inside">What the dimensions of smaller strides reach over, in units.</param>
    /// <param name="unitBytes">The bytes of a unit.</param>
    public static long Together(long size, long stride, long inside, int unitBytes)
    {
        var window = WindowBytes / unitBytes;
        if (inside > window) return 0;
        if (stride == 0) return size;
        return stride * unitBytes <= PageBytes || stride <= inside * 2 ? (window - inside) / stride + 1 : 0;
    }

    /// <summary>How many reads a view takes, piece by piece in row-major order, and what these bring beside what is wanted of them.</summary>
    /// <param name="shape">Its sizes.</param>
    /// <param name="strides">In elements.</param>
    /// <param name="width">Bytes of an element.</param>
    /// <param name="pieceBytes">Of a piece: one element at least.</param>
    /// <returns>2^60 reads and bytes at most.</returns>
    public static (long Reads, long BytesInVain) Count(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, int width, int pieceBytes)
    {
        if (Shapes.ElementCount(shape) is 0 or 1) return (0, 0);
        // A piece has all indices of the inner dimensions and some of one: those that fit.
        var (cut, inside) = (shape.Length - 1, (long)width);
        while (cut > 0 && inside * shape[cut] <= pieceBytes) inside *= shape[cut--];
        var step = Math.Clamp(pieceBytes / inside, 1, shape[cut]);
        var pieces = (Int128)((shape[cut] + step - 1) / step);
        for (var d = 0; d < cut; d++) pieces *= shape[d];

        long[] sizes = [step, .. shape[(cut + 1)..]];
        var (reads, bytes) = OfPiece(sizes, strides[cut..], width);
        // What begins or ends within several dimensions is read in two pieces, about, each of which may reach all over.
        if (sizes.Count(size => size > 1) > 2) pieces *= 2;
        return ((long)Int128.Min(Most, pieces * reads), (long)Int128.Min(Most, pieces * Math.Max(0, bytes - (step * inside))));
    }

    private static (long Reads, long Bytes) OfPiece(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, int width)
    {
        var (reads, inside) = (1L, Shapes.Reach(shape, strides));
        var dimensions = BySmallestStride(shape, strides);
        for (var d = dimensions.Count - 1; d >= 0; d--)
        {
            var (stride, size) = dimensions[d];
            inside -= (size - 1) * stride;
            var together = Together(size, stride, inside, width);
            if (together > 0)
            {
                var windows = (size + together - 1) / together;
                return (reads * windows, reads * (((size - windows) * stride) + (windows * inside)) * width);
            }

            reads *= size;
        }

        return (reads, reads * width);
    }

    // Of equal ones the inner first, as they are gathered.
    private static List<(long Stride, long Size)> BySmallestStride(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        var dimensions = new List<(long Stride, long Size)>(shape.Length);
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            if (shape[d] == 1) continue;
            var at = dimensions.Count;
            while (at > 0 && dimensions[at - 1].Stride > strides[d]) at--;
            dimensions.Insert(at, (strides[d], shape[d]));
        }

        return dimensions;
    }
}
