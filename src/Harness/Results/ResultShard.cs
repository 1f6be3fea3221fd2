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
