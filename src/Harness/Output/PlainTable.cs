using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>One line a case, for logs and pipes.</summary>
/// <param name="names">Of all cases that will come, for the columns' width.</param>
internal sealed class PlainTable(IEnumerable<string> names)
{
    private readonly int _nameWidth = names.Append(CaseRow.Heads.Name).Max(n => n.Length);

    /// <summary>What stands over the columns.</summary>
    public string Head => Line("", CaseRow.Heads);

    /// <summary>A case that ended.</summary>
    public string Line(CaseResult result) => Line(Mark(CaseRow.MarkOf(result)), CaseRow.Of(result));

    private static string Mark(CaseMark mark) => mark switch
    {
        CaseMark.Good => "ok",
        CaseMark.Lost => "no",
        _ => "MISS",
    };

    private string Line(string mark, CaseRow row) =>
        $"{mark,-4}  {row.Name.PadRight(_nameWidth)}  {row.Cap,-8}  {row.Expected,-10}  {row.Outcome,-19}  {row.Anonymous,11}  {row.Rss,6}  {row.Seconds,6}";
}
