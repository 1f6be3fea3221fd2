namespace Loadline.Checkpoints.Files;

/// <summary>How a view with gaps is read: what lies near together at once, in a window of memory, and what lies far apart each by itself.</summary>
internal static class GatheredReads
{
    /// <summary>What is in memory at once.</summary>
    public const int WindowBytes = (int)ByteSize.MiB;

    /// <summary>A disk hands out no less.</summary>
    public const int PageBytes = 4096;

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

    /// <summary>How many reads a view takes.</summary>
    /// <param name="shape">Its sizes.</param>
    /// <param name="strides">In elements.</param>
    /// <param name="width">Bytes of an element.</param>
    public static long Count(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, int width)
    {
        var dimensions = new List<(long Stride, long Size)>(shape.Length);
        for (var d = 0; d < shape.Length; d++)
        {
            if (shape[d] == 0) return 0;
            if (shape[d] != 1) dimensions.Add((strides[d], shape[d]));
        }

        dimensions.Sort((a, b) => b.Stride.CompareTo(a.Stride));
        var (reads, inside) = (1L, Shapes.Reach(shape, strides));
        foreach (var (stride, size) in dimensions)
        {
            inside -= (size - 1) * stride;
            var together = Together(size, stride, inside, width);
            if (together > 0) return reads * ((size + together - 1) / together);
            reads *= size;
        }

        return reads;
    }
}
