using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>A file that others were put together with.</summary>
/// <param name="File">As the user named it.</param>
/// <param name="Shard">As in <c>2/4</c>.</param>
/// <param name="Cases">How many it held.</param>
/// <param name="Measured">When.</param>
/// <param name="Environment">Where.</param>
internal sealed record MergedPart(string File, string Shard, int Cases, string? Measured, RunEnvironment Environment)
{
    /// <summary>What cannot be in a file that was put together from shards; null where all is well, or it was not.</summary>
    public static string? Problem(ResultFile results)
    {
        if (results.MergedFrom is not { } parts) return null;
        if (results.Shard is not null) return "is a shard, and was put together from shards";
        // One that somebody took out would be missed by nobody else.
        var cases = parts.Sum(part => (long)part.Cases);
        if (cases != results.Cases.Count || parts.Any(part => part.Cases < 0)) return $"was put together from {cases} cases, and holds {results.Cases.Count}";
        var isThere = new bool[Budgets.Shard.Most + 1];
        Shard? first = null;
        foreach (var part in parts)
        {
            if (Budgets.Shard.TryParse(part.Shard) is not { } shard || shard.Count != (first ??= shard).Count || isThere[shard.Number])
                return $"was put together from shard '{NameList.Shortened(part.Shard)}', which is none, is there twice, or is of another run";
            if (Fingerprint.Differences(Fingerprint.OfMode(results.Environment), Fingerprint.OfMode(part.Environment)) is { Count: > 0 } differences)
                return $"was put together from shard {shard}, which ran otherwise: {string.Join(", ", differences)}";
            isThere[shard.Number] = true;
        }

        return null;
    }
}
