using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>How far several runs of one case lay apart.</summary>
/// <param name="Runs">How many ran.</param>
/// <param name="MinPeakAnonymousBytes">The lowest of their peaks.</param>
/// <param name="MaxPeakAnonymousBytes">The highest of their peaks.</param>
internal sealed record Noise(int Runs, long MinPeakAnonymousBytes, long MaxPeakAnonymousBytes)
{
    /// <summary>The lowest of what they cannot have exceeded between two readings; null where a run reports its own.</summary>
    public long? MinPeakAnonymousAtMostBytes { get; init; }

    /// <summary>The highest of it.</summary>
    public long? MaxPeakAnonymousAtMostBytes { get; init; }

    /// <summary>The run that says most about the case: one that did not pass, else one that did not live, else the one with the highest peak; with the spread of all.</summary>
    /// <param name="runs">At least one.</param>
    public static CaseResult Worst(IReadOnlyList<CaseResult> runs)
    {
        var worst = runs.OrderBy(r => r.Pass).ThenBy(r => r.Outcome.Lives()).ThenByDescending(r => r.PeakAnonymousBytes).First();
        var peaks = runs.Select(r => r.PeakAnonymousBytes).OfType<long>().ToList();
        if (runs.Count == 1 || peaks.Count == 0) return worst;
        // A run whose end was not seen is bounded by its cap alone, which says nothing of how far they lie apart.
        var bounds = runs.Select(r => r.PeakAnonymousAtMostBytes).Where(bytes => bytes < worst.CapBytes).ToList();
        return worst with { Noise = new Noise(runs.Count, peaks.Min(), peaks.Max()) { MinPeakAnonymousAtMostBytes = bounds.Min(), MaxPeakAnonymousAtMostBytes = bounds.Max() } };
    }
}
