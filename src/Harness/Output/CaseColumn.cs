namespace Loadline.Harness.Output;

/// <summary>A column of the tables of cases. The lists below say which of them each table shows, in which order; the case's name stands before them.</summary>
/// <param name="Head">What stands over it.</param>
/// <param name="Cell">The cell of a row.</param>
/// <param name="Width">The room it gets on a line of text: numbers stand at the right, and what is negative at the left.</param>
/// <param name="Class">Its classes on the page: <c>wide</c> is left out on a narrow screen, <c>n</c> is a number.</param>
internal sealed record CaseColumn(string Head, Func<CaseRow, string> Cell, int Width, string Class = "n wide")
{
    /// <summary>The case's sentence.</summary>
    public const string NameHead = "case";

    private static readonly CaseColumn Expected = new("expected", row => row.Expected, -10, "wide");
    private static readonly CaseColumn Outcome = new("outcome", row => row.Outcome, -19, "");
    private static readonly CaseColumn Cap = new("cap", row => row.Cap, -8, "n");
    private static readonly CaseColumn Peak = new("anon MiB", row => row.Peak, 8, "n");
    private static readonly CaseColumn Budget = new("budget MiB", row => row.Budget, 10);
    private static readonly CaseColumn Anonymous = new("anon/budget MiB", row => row.Anonymous, 15);
    private static readonly CaseColumn Headroom = new("headroom MiB", row => row.Headroom, 12);
    private static readonly CaseColumn Ratio = new("× weights", row => row.Ratio, 9, "n ratio wide");
    private static readonly CaseColumn Host = new("host MiB", row => row.Host, 8);
    private static readonly CaseColumn Device = new("device MiB", row => row.Device, 10);
    private static readonly CaseColumn Rss = new("RSS MiB", row => row.Rss, 7);
    private static readonly CaseColumn Reread = new("reread", row => row.Reread, 6) { IsOfPasses = true };
    private static readonly CaseColumn Seconds = new("s", row => row.Seconds, 6);

    /// <summary>Of the page and of markdown.</summary>
    public static IReadOnlyList<CaseColumn> OfReports { get; } = [Expected, Outcome, Cap, Peak, Budget, Headroom, Ratio, Host, Device, Rss, Reread, Seconds];

    /// <summary>Of a line in a log.</summary>
    public static IReadOnlyList<CaseColumn> OfLines { get; } = [Cap, Expected, Outcome, Anonymous, Rss, Reread, Seconds];

    /// <summary>Of a wide terminal.</summary>
    public static IReadOnlyList<CaseColumn> OfWideTerminals { get; } = [Outcome, Expected, Cap, Anonymous, Rss, Reread, Seconds];

    /// <summary>Of a narrow terminal, which leaves out what a good name says anyway.</summary>
    public static IReadOnlyList<CaseColumn> OfNarrowTerminals { get; } = [Outcome, Anonymous, Reread, Seconds];

    /// <summary>Whether only cases have it that use their weights: a table without one leaves it out.</summary>
    public bool IsOfPasses { get; init; }

    /// <summary>Those that a table has.</summary>
    /// <param name="columns">One of the lists above.</param>
    /// <param name="hasPasses">Whether a case of it uses its weights.</param>
    public static IReadOnlyList<CaseColumn> Of(IReadOnlyList<CaseColumn> columns, bool hasPasses) => [.. columns.Where(column => hasPasses || !column.IsOfPasses)];

    /// <summary>Whether its cells stand at the right on a terminal.</summary>
    public bool IsNumber => Width > 0;

    /// <summary>A cell, or the head, as wide as the column.</summary>
    public string Padded(string text) => IsNumber ? text.PadLeft(Width) : text.PadRight(-Width);
}
