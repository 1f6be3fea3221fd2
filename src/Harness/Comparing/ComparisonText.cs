using Loadline.Harness.Results;

namespace Loadline.Harness.Comparing;

/// <summary>A comparison for people: as lines of text, or as markdown.</summary>
internal static class ComparisonText
{
    /// <summary>The table, what got worse, and a line that counts, each by itself: together they may be as long as both files.</summary>
    public static IEnumerable<string> Lines(Comparison comparison)
    {
        // A name as long as a book would make every row as long.
        List<IReadOnlyList<string>> rows = [ComparisonRow.Heads.Cells, .. comparison.Cases.Select(c => ComparisonRow.Of(c).Cells.Select(NameList.Shortened).ToList())];
        var widths = Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(r => r[column].Length)).ToArray();
        var lines = rows.Select(r => string.Join("  ", r.Select((text, i) => i < 2 ? text.PadRight(widths[i]) : text.PadLeft(widths[i]))).TrimEnd());
        return lines.Concat(Sentences(comparison).Select(s => s.Text)).Append(Count(comparison)).Concat(Notes(comparison));
    }

    /// <summary>The same as GitHub-flavoured markdown.</summary>
    public static string Markdown(Comparison comparison, long maxBytes = long.MaxValue) => Reports.Markdown.Join(Blocks(comparison), maxBytes);

    /// <summary>"1 regressed, 2 improved, 28 same".</summary>
    public static string Count(Comparison comparison) => string.Join(", ", new[] { Change.Regressed, Change.Improved, Change.Altered, Change.New, Change.Vanished, Change.Same }
        .Select(change => (Change: change, Count: comparison.Cases.Count(c => c.Change == change)))
        .Where(c => c.Count > 0 || c.Change == Change.Regressed)
        .Select(c => $"{c.Count} {c.Change.ToString().ToLowerInvariant()}"));

    // Made as they are asked for: a step's summary has room for few of them.
    private static IEnumerable<string> Blocks(Comparison comparison)
    {
        yield return $"### {Escape(Count(comparison))}";
        // A name that begins a line could begin a list.
        foreach (var (regressed, text) in Sentences(comparison)) yield return $"{Mark(regressed ? Change.Regressed : Change.Altered)} {Escape(text)}";
        yield return Reports.Markdown.Table(
            ["", .. ComparisonRow.Heads.Cells],
            firstRight: 3,
            comparison.Cases.Select(c => (string[])[Mark(c.Change), .. ComparisonRow.Of(c).Cells.Select(Escape)]));
        yield return $"Highest anonymous memory in MiB. {Escape(string.Join(" ", Notes(comparison)))}";
    }

    private static IEnumerable<(bool Regressed, string Text)> Sentences(Comparison comparison) => comparison.Cases
        .OrderByDescending(c => c.Change == Change.Regressed)
        .SelectMany(c => c.Sentences.Select(s => (c.Change == Change.Regressed, c.Change == Change.Regressed ? s : $"{c.Name}: {s}")));

    private static IEnumerable<string> Notes(Comparison comparison) =>
        comparison.AlsoDifferent.Count == 0 ? [] : [$"base and head also differ in: {string.Join("; ", comparison.AlsoDifferent)}"];

    private static string Mark(Change change) => change switch
    {
        Change.Regressed => "❌",
        Change.Improved => "🟢",
        Change.Same => "✅",
        _ => "➖",
    };

    private static string Escape(string text) => Reports.Markdown.Escape(text);
}
