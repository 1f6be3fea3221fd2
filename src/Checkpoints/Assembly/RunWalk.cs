namespace Loadline.Checkpoints.Assembly;

/// <summary>Goes from run to run: a box may have 64 dimensions, and a division for each of them would take longer than to copy a short run.</summary>
internal sealed class RunWalk
{
    private readonly IReadOnlyList<(long Size, long Step)> _dimensions;
    private readonly long[] _indices;

    /// <param name="dimensions">Those of which runs have an index, outermost first, with the steps in bytes.</param>
    /// <param name="run">Where it begins.</param>
    /// <param name="start">Where run 0 starts.</param>
    public RunWalk(IReadOnlyList<(long Size, long Step)> dimensions, long run, long start)
    {
        (_dimensions, _indices, Start) = (dimensions, new long[dimensions.Count], start);
        for (var d = dimensions.Count - 1; d >= 0; d--)
        {
            (run, _indices[d]) = Math.DivRem(run, dimensions[d].Size);
            Start += _indices[d] * dimensions[d].Step;
        }
    }

    /// <summary>Where the run starts in the whole tensor, in bytes.</summary>
    public long Start { get; private set; }

    /// <summary>The next run; behind the last comes the first.</summary>
    public void MoveNext()
    {
        for (var d = _indices.Length - 1; d >= 0; d--)
        {
            var (size, step) = _dimensions[d];
            Start += step;
            if (++_indices[d] < size) return;
            Start -= size * step;
            _indices[d] = 0;
        }
    }
}
