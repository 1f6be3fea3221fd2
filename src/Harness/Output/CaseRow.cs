using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>
/// A case as text. Tables on a terminal, in markdown and on the page all take their cells from here, so that they cannot differ. Memory is in MiB,
/// which the heads say; what is not known is a dash, what does not apply is empty.
/// </summary>
internal sealed record CaseRow
{
    /// <summary>The case's sentence.</summary>
    public required string Name { get; init; }

    /// <summary>The hard limit, with its unit.</summary>
    public required string Cap { get; init; }

    /// <summary>The outcome that was expected.</summary>
    public required string Expected { get; init; }

    /// <summary>What became of it, or for a case that runs the phase it is in.</summary>
    public required string Outcome { get; init; }

    /// <summary>The highest anonymous and shared memory.</summary>
    public required string Peak { get; init; }

    /// <summary>The budget for that; empty without one.</summary>
    public required string Budget { get; init; }

    /// <summary>What is left of the budget; negative where it is missed.</summary>
    public string Headroom { get; init; } = "";

    /// <summary>The peak as a multiple of the weights' bytes.</summary>
    public string Ratio { get; init; } = "";

    /// <summary>The engine's highest count of host memory.</summary>
    public string Host { get; init; } = "";

    /// <summary>The engine's highest count of accelerator memory.</summary>
    public string Device { get; init; } = "";

    /// <summary>The peak that counts mapped pages, too.</summary>
    public string Rss { get; init; } = "";

    /// <summary>The most of its weights that a pass after the first read from the disk again; empty without one.</summary>
    public string Reread { get; init; } = "";

    /// <summary>What the load took, or, where it did not end, its container.</summary>
    public required string Seconds { get; init; }

    /// <summary>Why it did not load; empty where it did.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Peak and budget in one cell.</summary>
    public string Anonymous => Budget == "" ? Peak : $"{Peak}/{Budget}";

    /// <summary>The row of a case that ended.</summary>
    public static CaseRow Of(CaseResult result) => new()
    {
        Name = PrintableText.Escape(result.Name),
        Cap = SizeText.InWords(result.CapBytes),
        Expected = result.Expect ?? "-",
        Outcome = result.Outcome.Name(),
        Peak = PeakOf(result),
        Budget = result.BudgetBytes is { } budget ? Mib(budget) : "",
        Headroom = result.BudgetBytes is { } limit && result.HeldBytes is { } held ? Mib(limit - held) : "",
        Ratio = RatioOf(result) is { } ratio ? RatioText(ratio) : "",
        Host = Mib(result.HostBytes),
        Device = result.DeviceBytes is 0 ? "" : Mib(result.DeviceBytes),
        Rss = Mib(result.PeakRssBytes),
        Reread = result.LaterReread is { } reread ? Rereads.Text(reread) : "",
        Seconds = Decimal(result.Seconds ?? result.WallSeconds),
        Reason = ReasonOf(result),
    };

    private static string ReasonOf(CaseResult result) => result switch
    {
        { Outcome: Budgets.Outcome.Killed, PlannedCapBytes: { } bytes } when bytes > result.CapBytes => $"needs a cap of {ByteSize.Format(bytes)} by the plan",
        // What did not pass has its sentence below.
        { Pass: true, Reason: { } reason } => reason,
        _ => "",
    };

    /// <summary>The row of a case that runs: the phase it is in, and what it holds by the latest sample.</summary>
    public static CaseRow Running(BudgetCase budget, string state, long? anonymousBytes, double seconds) => new()
    {
        Name = PrintableText.Escape(budget.Name),
        Cap = SizeText.InWords(budget.CapBytes),
        Expected = budget.Expect?.Name() ?? "-",
        Outcome = state,
        Peak = Mib(anonymousBytes),
        Budget = budget.PeakAnonymousBytes is { } limit ? Mib(limit) : "",
        Seconds = Decimal(seconds),
    };

    /// <summary>The peak over the weights, of a load that ended well; how much a strategy takes, whatever the model's size.</summary>
    public static double? RatioOf(CaseResult result) =>
        result.Outcome.Lives() && result is { PeakAnonymousBytes: { } peak, WeightBytes: > 0 and { } weights } ? (double)peak / weights : null;

    /// <summary>"2.00"; below a tenth "0.043".</summary>
    public static string RatioText(double ratio) => ratio.ToString(ratio < 0.1 ? "0.000" : "0.00", CultureInfo.InvariantCulture);

    /// <summary>Whether the case is one to look at: as expected, not as expected, or, where nothing was expected, whether it survived.</summary>
    public static CaseMark MarkOf(CaseResult result) =>
        !result.Pass ? CaseMark.Missed : result.Expect is null && result.Outcome != Budgets.Outcome.Loaded ? CaseMark.Lost : CaseMark.Good;

    /// <summary>Mebibytes with one decimal where it says something.</summary>
    public static string Mib(long? bytes)
    {
        if (bytes is null) return "-";
        var mib = (double)bytes.Value / ByteSize.MiB;
        return mib.ToString(Math.Abs(mib) >= 100 || mib == Math.Floor(mib) ? "0" : "0.0", CultureInfo.InvariantCulture);
    }

    // Of a load that was killed it is no need, but where it stood; a range where a peak may have fallen between two readings of a program that does not report its own.
    private static string PeakOf(CaseResult result) =>
        result is { Outcome: Budgets.Outcome.Killed, PeakAnonymousBytes: { } atTheKill } ? $"†{Mib(atTheKill)}"
        : result is { PeakAnonymousBytes: { } read, PeakAnonymousAtMostBytes: { } atMost } && atMost - read >= ByteSize.MiB
            ? $"{Mib(read)}–{Mib(atMost)}"
            : Mib(result.PeakAnonymousBytes);

    private static string Decimal(double number) => number.ToString("0.0", CultureInfo.InvariantCulture);
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
