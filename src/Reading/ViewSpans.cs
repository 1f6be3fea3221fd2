using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>
/// Which elements of a storage its tensors reach, from the first to the last of each. A file may have millions of both: an element is looked up, not asked of
/// each tensor.
/// </summary>
internal sealed class ViewSpans
{
    private readonly long[] _starts;
    private readonly long[] _ends;

    private ViewSpans(List<(long Start, long End)> merged) => (_starts, _ends) = ([.. merged.Select(s => s.Start)], [.. merged.Select(s => s.End)]);

    /// <summary>Those of a storage's tensors.</summary>
    public static ViewSpans Of(WeightStorage storage)
    {
        var merged = new List<(long Start, long End)>();
        foreach (var (start, end) in storage.Tensors.Where(t => t.ElementCount > 0).Select(Of).Order())
        {
            if (merged.Count > 0 && start <= merged[^1].End + 1) merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, end));
            else merged.Add((start, end));
        }

        return new ViewSpans(merged);
    }

    /// <summary>The first and the last element of a tensor that has any.</summary>
    public static (long Start, long End) Of(TensorEntry tensor) =>
        (tensor.StorageOffset, tensor.StorageOffset + Shapes.Reach(tensor.Shape.AsSpan(), tensor.Strides.AsSpan()) - 1);

    /// <summary>Whether an element lies in one of them.</summary>
    public bool Contain(long element)
    {
        var index = Array.BinarySearch(_starts, element);
        if (index < 0) index = ~index - 1;
        return index >= 0 && element <= _ends[index];
    }
}
