using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>Results as markdown, for the summary of a job or a comment on a pull request.</summary>
internal static class ResultMarkdown
{
    /// <summary>A headline, what is wrong, the table, and the evidence of what is wrong.</summary>
    /// <param name="results">What a run found.</param>
    /// <param name="maxBytes">Where to cut, between blocks.</param>
    public static string Of(ResultFile results, long maxBytes = long.MaxValue) => Markdown.Join(Blocks(results), maxBytes);

    private static IEnumerable<string> Blocks(ResultFile results)
    {
        yield return $"### {Markdown.Escape(Headline.Of(results))}";
        if (results.Incomplete is { } why) yield return $"❌ The run ended before its last case: {Markdown.Escape(why)}";
        var failed = results.Cases.Where(c => !c.Pass).ToList();
        if (failed.Count > 0)
        {
            // None but a case's first begins an entry: results may be a stranger's.
            yield return string.Join("\n", failed.Select(f => $"- ❌ {string.Join("\n  - ", FailureText.Sentence(f).Split('\n').Select(Markdown.Escape))}"));
        }

        var columns = CaseColumn.Of(CaseColumn.OfReports, results.Cases.Any(c => c.Passes is not null));
        yield return Markdown.Table(
            ["", CaseColumn.NameHead, .. columns.Select(column => column.Head)],
            firstRight: 5,
            results.Cases.Select(c => (string[])[Mark(CaseRow.MarkOf(c)), .. Cells(CaseRow.Of(c), columns)]));
        yield return $"Memory in MiB. {Markdown.Escape(string.Join(". ", ResultNotes.Of(results).Prepend(Headline.Environment(results.Environment))))}";
        foreach (var result in failed)
        {
            var evidence = FailureText.Evidence(result).SelectMany(part => part.Lines.Select(l => $"  {l}").Prepend(part.Head));
            yield return $"<details><summary>{Markdown.Html(result.Name)}</summary>\n\nBecause {Markdown.Escape(result.Why)}.\n\n{Markdown.Fence(evidence)}\n\n</details>";
        }
    }

    private static IEnumerable<string> Cells(CaseRow row, IReadOnlyList<CaseColumn> columns)
    {
        var told = row.Reason == "" ? row : row with { Outcome = $"{row.Outcome}: {row.Reason}" };
        return columns.Select(column => column.Cell(told)).Prepend(row.Name).Select(Markdown.Escape);
    }

    private static string Mark(CaseMark mark) => mark switch
    {
        CaseMark.Good => "✅",
        CaseMark.Lost => "➖",
        _ => "❌",
    };
}
