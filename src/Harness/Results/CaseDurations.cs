using Loadline.Checkpoints;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>What cases cost, by an earlier run: what shards are balanced by.</summary>
internal sealed class CaseDurations
{
    // A day. Results are a stranger's: no sum of such numbers overflows.
    private const double MostSeconds = 86_400;

    private readonly Dictionary<string, long> _milliseconds;
    private readonly Dictionary<string, long> _usualOf;
    private readonly long _usual;

    private CaseDurations(IReadOnlyList<(CaseResult Case, long Milliseconds)> measured)
    {
        _milliseconds = measured.ToDictionary(m => m.Case.Name, m => m.Milliseconds, StringComparer.Ordinal);
        _usualOf = measured.GroupBy(m => m.Case.Checkpoint, m => m.Milliseconds).ToDictionary(group => group.Key, Median, StringComparer.Ordinal);
        _usual = Median(measured.Select(m => m.Milliseconds));
    }

    /// <summary>Takes the seconds of each case from its container's start to its end.</summary>
    /// <param name="results">Of an earlier run.</param>
    /// <param name="path">Where they were read.</param>
    /// <param name="cases">What is to be balanced.</param>
    /// <exception cref="InputException">They have none of these cases.</exception>
    public static CaseDurations Of(ResultFile results, string path, IReadOnlyList<BudgetCase> cases)
    {
        // Texts come in escaped.
        var names = cases.Select(c => PrintableText.Escape(c.Name)).ToHashSet(StringComparer.Ordinal);
        var measured = results.Cases.Where(c => names.Contains(c.Name)).Select(c => (c, Milliseconds(c.WallSeconds))).ToList();
        return measured.Count > 0
            ? new CaseDurations(measured)
            : throw new InputException($"{path}: has none of the {cases.Count} cases of this run: name results of the same budgets");
    }

    /// <summary>In milliseconds, at least 1; of a case that was not measured what is usual for its checkpoint, else for all.</summary>
    public long Of(BudgetCase budget) =>
        _milliseconds.TryGetValue(PrintableText.Escape(budget.Name), out var own) ? own : _usualOf.GetValueOrDefault(PrintableText.Escape(budget.Checkpoint), _usual);

    private static long Milliseconds(double seconds) => Math.Max(1, (long)Math.Round(Math.Clamp(seconds, 0, MostSeconds) * 1000));

    private static long Median(IEnumerable<long> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
