using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>A case as one row of text. Peaks are in MiB, which the heads say.</summary>
internal sealed record CaseRow(string Name, string Cap, string Expected, string Outcome, string Anonymous, string Rss, string Seconds)
{
    /// <summary>What stands over the columns.</summary>
    public static readonly CaseRow Heads = new("case", "cap", "expected", "outcome", "anon/budget", "RSS", "s");

    /// <summary>The row of a case that ended.</summary>
    public static CaseRow Of(BudgetCase budget, CaseResult result) => Of(
        budget, result.Outcome.Name(), result.PeakAnonymousBytes, result.PeakRssBytes is { } rss ? Mib(rss) : "-", result.Seconds ?? result.WallSeconds);

    /// <summary>The row of a case that runs: the phase it is in, and what it holds by the latest sample.</summary>
    public static CaseRow Running(BudgetCase budget, string state, long? anonymousBytes, double seconds) => Of(budget, state, anonymousBytes, "", seconds);

    /// <summary>Whether the case is one to look at: as expected, not as expected, or, where nothing was expected, whether it survived.</summary>
    public static CaseMark MarkOf(BudgetCase budget, CaseResult result) =>
        !result.Pass ? CaseMark.Missed : budget.Expect is null && result.Outcome != Budgets.Outcome.Loaded ? CaseMark.Lost : CaseMark.Good;

    /// <summary>Mebibytes with one decimal where it says something.</summary>
    public static string Mib(long bytes)
    {
        var mib = (double)bytes / ByteSize.MiB;
        return mib.ToString(mib >= 100 || mib == Math.Floor(mib) ? "0" : "0.0", CultureInfo.InvariantCulture);
    }

    private static CaseRow Of(BudgetCase budget, string outcome, long? anonymousBytes, string rss, double seconds) => new(
        budget.Name,
        SizeText.InWords(budget.CapBytes),
        budget.Expect?.Name() ?? "-",
        outcome,
        (anonymousBytes is { } bytes ? Mib(bytes) : "-") + (budget.PeakAnonymousBytes is { } limit ? $"/{Mib(limit)}" : ""),
        rss,
        seconds.ToString("0.0", CultureInfo.InvariantCulture));
}

/// <summary>What stands before a row.</summary>
internal enum CaseMark
{
    /// <summary>As expected; or survived, where nothing was.</summary>
    Good,

    /// <summary>Nothing was expected, and it did not survive.</summary>
    Lost,

    /// <summary>Not as expected.</summary>
    Missed,
}
