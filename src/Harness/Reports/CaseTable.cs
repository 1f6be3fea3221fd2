using System.Globalization;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>All cases as a table of the page. On a narrow screen the columns marked <c>wide</c> are left out.</summary>
internal static class CaseTable
{
    /// <summary>The <c>table</c> element. Each row leads to the card of its case.</summary>
    public static string Of(IReadOnlyList<CaseResult> cases)
    {
        // A column in which nothing stands says nothing.
        var shown = cases.Select(CaseRow.Of).ToList();
        var columns = CaseColumn.OfReports.Where(c => shown.Exists(row => c.Cell(row) is not ("" or "-"))).ToList();
        var most = cases.Select(CaseRow.RatioOf).Max() ?? 1;
        var heads = columns.Select(c => $"""<th scope="col" class="{c.Class}">{c.Head}</th>""");
        var rows = cases.Select((result, index) => Row(result, index, most, columns));
        return $"""<table><thead><tr><th></th><th scope="col">{CaseColumn.NameHead}</th>{string.Concat(heads)}</tr></thead><tbody>{string.Concat(rows)}</tbody></table>""";
    }

    /// <summary>A sign and a word for those who cannot see colours.</summary>
    public static string Mark(CaseResult result) => CaseRow.MarkOf(result) switch
    {
        CaseMark.Good => """<span class="mark good" role="img" aria-label="as expected">✓</span>""",
        CaseMark.Lost => """<span class="mark lost" role="img" aria-label="did not survive">–</span>""",
        _ => """<span class="mark missed" role="img" aria-label="not as expected">✗</span>""",
    };

    private static string Row(CaseResult result, int index, double mostRatio, IReadOnlyList<CaseColumn> columns)
    {
        var row = CaseRow.Of(result);
        var share = mostRatio > 0 ? (CaseRow.RatioOf(result) ?? 0) / mostRatio : 0;
        var style = FormattableString.Invariant($" style=\"--share:{share:0.###}\"");
        var cells = columns.Select(c => $"""<td class="{c.Class}"{(c.Class.Contains("ratio") ? style : "")}>{ResultPage.Encode(c.Cell(row))}</td>""");
        return $"""<tr class="{(result.Pass ? "" : "missed")}"><td>{Mark(result)}</td><th scope="row"><a href="#case-{index.ToString(CultureInfo.InvariantCulture)}">{ResultPage.Encode(row.Name)}</a>{(row.Reason == "" ? "" : $"""<div class="why">{ResultPage.Encode(row.Reason)}</div>""")}</th>{string.Concat(cells)}</tr>""";
    }
}
