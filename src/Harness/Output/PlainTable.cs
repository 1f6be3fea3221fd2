using Loadline.Checkpoints;
using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>One line a case, for logs and pipes.</summary>
/// <param name="names">Of all cases that will come, for the columns' width.</param>
/// <param name="hasPasses">Whether one of them uses its weights.</param>
internal sealed class PlainTable(IEnumerable<string> names, bool hasPasses = false)
{
    private readonly IReadOnlyList<CaseColumn> _columns = CaseColumn.Of(CaseColumn.OfLines, hasPasses);
    private readonly int _nameWidth = names.Append(CaseColumn.NameHead).Max(n => NameList.Shortened(PrintableText.Escape(n)).Length);

    /// <summary>What stands over the columns.</summary>
    public string Head => Line("", CaseColumn.NameHead, column => column.Head);

    /// <summary>A case that ended.</summary>
    public string Line(CaseResult result) => Line(Mark(CaseRow.MarkOf(result)), CaseRow.Of(result));

    private static string Mark(CaseMark mark) => mark switch
    {
        CaseMark.Good => "ok",
        CaseMark.Lost => "no",
        _ => "MISS",
    };

    private string Line(string mark, CaseRow row) => Line(mark, row.Name, column => column.Cell(row)) + (row.Reason == "" ? "" : $"  {row.Reason}");

    private string Line(string mark, string name, Func<CaseColumn, string> text) =>
        string.Join("  ", _columns.Select(column => column.Padded(text(column))).Prepend(NameList.Shortened(name).PadRight(_nameWidth)).Prepend($"{mark,-4}"));
}
