using System.Text.Json.Serialization;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>Which part of a run a result file holds.</summary>
/// <param name="Number">Which shard, from 1.</param>
/// <param name="Of">How many there are.</param>
/// <param name="Cases">The names of the whole run's cases, in its order: what all shards together have to come to.</param>
internal sealed record ResultShard(int Number, int Of, IReadOnlyList<string> Cases)
{
    /// <summary>The digest of the results whose seconds the shards were balanced by; null where each case counted the same.</summary>
    public string? BalancedBy { get; init; }

    /// <summary>As it was asked for.</summary>
    [JsonIgnore]
    public Shard Shard => new(Number, Of);

    /// <summary>What cannot be in a file that a run wrote; null where all is well.</summary>
    public string? Problem(ResultFile results)
    {
        if (!Shard.IsSound) return $"is shard {Shard}, which there cannot be";
        var names = new HashSet<string>(Cases.Count, StringComparer.Ordinal);
        if (Cases.FirstOrDefault(name => !names.Add(name)) is { } twice) return $"names case '{NameList.Shortened(twice)}' twice";
        var held = results.Cases.Select(c => c.Name).Concat((results.Skipped ?? []).Select(s => s.Name));
        return held.FirstOrDefault(name => !names.Remove(name)) is { } other
            ? $"holds case '{NameList.Shortened(other)}', which is none of its run's or stands there twice"
            : null;
    }
}

/// <summary>A case that could not run where it was to.</summary>
/// <param name="Name">Of the case.</param>
/// <param name="Why">As in "there is no GPU".</param>
internal sealed record SkippedCase(string Name, string Why);

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
        if (results.MergedFrom is not { } parts || results.Shard is not null) return null;
        // One that somebody took out would be missed by nobody else.
        var cases = parts.Sum(part => (long)part.Cases);
        if (cases != results.Cases.Count || parts.Any(part => part.Cases < 0)) return $"was put together from {cases} cases, and holds {results.Cases.Count}";
        var isThere = new bool[Budgets.Shard.Most + 1];
        foreach (var part in parts)
        {
            if (Budgets.Shard.TryParse(part.Shard) is not { } shard || shard.Count != Budgets.Shard.TryParse(parts[0].Shard)?.Count || isThere[shard.Number])
                return $"was put together from shard '{NameList.Shortened(part.Shard)}', which is none, is there twice, or is of another run";
            if (Fingerprint.Differences(Fingerprint.OfMode(results.Environment), Fingerprint.OfMode(part.Environment)) is { Count: > 0 } differences)
                return $"was put together from shard {shard}, which ran otherwise: {string.Join(", ", differences)}";
            isThere[shard.Number] = true;
        }

        return null;
    }
}
