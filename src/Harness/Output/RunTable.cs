using Spectre.Console;

namespace Loadline.Harness.Output;

/// <summary>The table of a run on a terminal. A narrow one leaves out what a good name says anyway.</summary>
internal sealed class RunTable
{
    /// <summary>From this width on there is room for all columns.</summary>
    public const int WideColumns = 110;

    private readonly bool _wide;

    public RunTable(bool wide)
    {
        _wide = wide;
        Table = new Table { Border = TableBorder.None, ShowHeaders = true };
        Table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 1, 0) });
        var (left, right) = Texts(CaseRow.Heads);
        foreach (var head in left) Table.AddColumn(Column(head, Justify.Left));
        foreach (var head in right) Table.AddColumn(Column(head, Justify.Right));
        // The names take the room that is left and wrap; numbers and states must not.
        Table.Columns[1].NoWrap = false;
    }

    /// <summary>What to show.</summary>
    public Table Table { get; }

    /// <summary>Adds a row behind a mark, which is markup.</summary>
    public void Add(string mark, CaseRow row, string colour)
    {
        var (left, right) = Texts(row);
        Table.AddRow([mark, .. left.Concat(right).Select((text, i) => i == 1 ? $"[{colour}]{Markup.Escape(text)}[/]" : Markup.Escape(text))]);
    }

    private (string[] Left, string[] Right) Texts(CaseRow row) => _wide
        ? ([row.Name, row.Outcome, row.Expected, row.Cap], [row.Anonymous, row.Rss, row.Seconds])
        : ([row.Name, row.Outcome], [row.Anonymous, row.Seconds]);

    private static TableColumn Column(string head, Justify side) =>
        new($"[grey]{head}[/]") { Alignment = side, NoWrap = true, Padding = new Padding(0, 0, 2, 0) };
}
