using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Runs;

/// <summary>A case that ended, as it is written: nothing that its readers would refuse, and with it all other cases of the file.</summary>
internal static class JudgedCase
{
    private const long MostExcessBytes = 128 * ByteSize.KiB;

    /// <summary>The result, and what of its program's words stands in it.</summary>
    /// <param name="budget">The case.</param>
    /// <param name="judged">What it came to, and the problem where it is one that the program itself could not tell.</param>
    /// <param name="seen">What its program said.</param>
    /// <param name="exitCode">Null where nobody knows it.</param>
    /// <param name="wallSeconds">From its start to its end.</param>
    public static (CaseResult Result, Observation Seen) Of(
        BudgetCase budget, (Outcome Outcome, string? Problem) judged, Observation seen, int? exitCode, double wallSeconds)
    {
        var (outcome, problem) = judged;
        seen = problem is null ? seen.Believed : seen.Believed.Failed(outcome, problem);
        var result = Written(budget, outcome, seen, exitCode, wallSeconds);
        if (WhyRefused(result) is not { } contradiction) return (result, seen);

        // Why it is an error already says more than what was made of its words.
        var why = problem ?? contradiction;
        // Without its words first; an Engine may name another's cgroup, and then what was read from outside is not so either.
        foreach (var left in (Observation[])[seen.Bare, seen.Bare.Unwatched])
        {
            seen = left.Failed(Outcome.Error, why);
            result = Written(budget, Outcome.Error, seen, exitCode, wallSeconds);
            if (WhyRefused(result) is null) break;
        }

        return (result, seen);
    }

    // All cases of a file together have a room of their own; of a few hundred that tell too much there is enough of it.
    private static string? WhyRefused(CaseResult result) =>
        CaseContradictions.Of(result) is { } contradiction ? $"it contradicts itself: it {contradiction}"
        : ResultFile.ExcessOf(result) > MostExcessBytes ? "it tells more values, or others, than a case of results may hold"
        : null;

    private static CaseResult Written(BudgetCase budget, Outcome outcome, Observation seen, int? exitCode, double wallSeconds) =>
        CaseResults.Of(budget, outcome, Verdict.Of(budget, outcome, seen), seen, exitCode, wallSeconds);
}
