using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>The answer to what people ask of their own checkpoint: which strategy is safe from which cap on, and which to take.</summary>
internal static class Advice
{
    /// <summary>
    /// "Under this cap take streamed. The lowest caps that are safe: 32 MiB for mmap-assign; 690 MiB for streamed; 1347 MiB for eager, cpu-then-to"; null
    /// where nothing was planned.
    /// </summary>
    public static string? Of(ResultFile results)
    {
        if (results.Cases.Any(c => c.Expect is not null)) return null;
        // What this very run saw otherwise is no plan any more.
        var planned = results.Cases.Where(c => c.PlannedCapBytes is { } cap && (c.Outcome == Outcome.Loaded ? !(c.PeakAnonymousBytes > cap) : c.CapBytes < cap))
            .OrderBy(c => c.PlannedCapBytes)
            .GroupBy(c => ByteSize.Format(c.PlannedCapBytes!.Value), (cap, cases) => $"{cap} for {string.Join(", ", cases.Select(c => c.Strategy))}").ToList();
        if (planned.Count == 0 && results.Take is null) return null;
        var take = results.Take is { } strategy ? $"Under this cap take {strategy}"
            : results.Cases.Any(c => c.Outcome == Outcome.Loaded) ? "What loaded stood too near to this cap to be safe" : "Under this cap none loads";
        return planned.Count == 0 ? $"{take}." : $"{take}. The lowest caps that are safe: {string.Join("; ", planned)}";
    }
}
