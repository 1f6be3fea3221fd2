using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>The last line of a run.</summary>
internal static class RunSummary
{
    /// <summary>"31 of 31 as expected in 2 min 10 s, cold, docker 20.10.24, cgroup v1"; of a shard with the number of those that are not in it.</summary>
    public static string OfBudgets(ResultFile results, TimeSpan took)
    {
        if (results.Shard is not { } shard) return $"{AsExpected(results)} in {Where(results, took)}";
        return results.Cases.Count == 0
            ? $"{NoCase(results)}; whether the budgets hold is said by the results of all {shard.Of} shards together"
            : $"shard {shard.Shard}: {AsExpected(results)} in {Where(results, took)}; the run has {shard.Cases.Count} cases";
    }

    /// <summary>"31 of 31 as expected".</summary>
    public static string AsExpected(ResultFile results) => $"{results.Cases.Count(r => r.Pass)} of {results.Cases.Count} as expected";

    /// <summary>What a run says that measured nothing: "shard 4/4 has no case".</summary>
    public static string NoCase(ResultFile results) => results switch
    {
        { Shard: { } shard, Skipped.Count: 1 } => $"shard {shard.Shard} measured nothing: its 1 case was skipped",
        { Shard: { } shard, Skipped.Count: var count } => $"shard {shard.Shard} measured nothing: its {count} cases were skipped",
        { Shard: { } shard } => $"shard {shard.Shard} has no case",
        _ => "no case was measured",
    };

    /// <summary>"6 of 8 survive 2 GiB in 40 s, cold, docker 20.10.24, cgroup v1; mmap-assign takes the least memory".</summary>
    public static string OfStrategies(ResultFile results, TimeSpan took)
    {
        var loaded = results.Cases.Where(r => r.Outcome == Outcome.Loaded).ToList();
        var least = loaded.MinBy(r => r.PeakAnonymousBytes)?.Strategy;
        var thrashed = results.Cases.Count(r => r.Outcome == Outcome.Thrashed);
        return $"{loaded.Count + thrashed} of {results.Cases.Count} survive {SizeText.InWords(results.Cases[0].CapBytes)}{(thrashed == 0 ? "" : $", {thrashed} of them thrashing,")} in {Where(results, took)}"
            + (least is null ? "" : $"; {least} takes the least memory");
    }

    /// <summary>What the marks in the table mean; null where there are none.</summary>
    public static string? Footnote(ResultFile results) =>
        results.Cases.Any(r => r is { Outcome: Outcome.Killed, PeakAnonymousBytes: not null }) ? "† where a load stood when it was killed, not what it needs" : null;

    /// <summary>"2 min 10 s", or "4.2 s" below a minute.</summary>
    public static string Duration(TimeSpan time) =>
        time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes} min {time.Seconds} s" : FormattableString.Invariant($"{time.TotalSeconds:0.0} s");

    private static string Where(ResultFile results, TimeSpan took) => $"{Duration(took)}{Cache(results.Cases)}, {results.Environment.Runtime}";

    private static string Cache(IReadOnlyList<CaseResult> results)
    {
        var (cold, warm) = (results.Count(r => r.Cold == true), results.Count(r => r.Cold == false));
        return (cold, warm) switch
        {
            (0, 0) => "",
            (_, 0) => ", cold",
            (0, _) => ", warm",
            _ => $", {warm} of them warm",
        };
    }
}
