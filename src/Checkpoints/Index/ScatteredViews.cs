using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>
/// How often views would have to be read where their elements lie so far from each other that each is read by itself. Of one that has no element twice there is a page or more
/// of the file for each; one whose dimensions lie over each other may ask for the same few again and again.
/// </summary>
internal static class ScatteredViews
{
    // Of all tensors together: a second's work.
    private const long FreeReads = 1 << 20;

    /// <summary>Refuses a checkpoint with views that take far more reads than the file has pages.</summary>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="entries">Its tensors, each with fewer than 2^63 elements.</param>
    /// <exception cref="CheckpointException">It has.</exception>
    public static void RequireFew(string path, IReadOnlyList<TensorEntry> entries)
    {
        var left = FreeReads;
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            left -= entry.Storage.Assembled is { } assembled ? OfParts(assembled) : Excess(entry);
            if (left >= 0) continue;
            throw new CheckpointException(
                CheckpointError.Unsupported, path, "is a view whose elements lie over each other, and too far apart to be read together: save a copy of it, as tensor.contiguous() makes one", entry.Name);
        }
    }

    private static long OfParts(IAssembledBytes assembled)
    {
        var excess = 0L;
        foreach (var (_, part) in assembled.Parts)
        {
            excess += Excess(part);
            if (excess > FreeReads) break;
        }

        return excess;
    }

    // Beyond two for each page from the first element to the last: at the end of a row one may lie next to the first of the next.
    private static long Excess(TensorEntry view)
    {
        if (view.IsContiguous) return 0;
        var (shape, strides) = (view.Shape, view.Strides);
        var pages = Shapes.Reach(shape.AsSpan(), strides.AsSpan()) * view.DType.BytesPerElement / GatheredReads.PageBytes;
        return Math.Clamp(GatheredReads.Count(shape.AsSpan(), strides.AsSpan(), view.DType.BytesPerElement) - (2 * (pages + 1)), 0, FreeReads + 1);
    }
}
