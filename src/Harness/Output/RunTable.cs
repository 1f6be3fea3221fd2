using Spectre.Console;

namespace Loadline.Harness.Output;

/// <summary>The table of a run on a terminal. A narrow one leaves out what a good name says anyway.</summary>
internal sealed class RunTable
{
    /// <summary>From this width on there is room for all columns.</summary>
    public const int WideColumns = 110;

    private readonly IReadOnlyList<CaseColumn> _columns;

    public RunTable(bool wide, bool hasPasses = false)
    {
        _columns = CaseColumn.Of(wide ? CaseColumn.OfWideTerminals : CaseColumn.OfNarrowTerminals, hasPasses);
        Table = new Table { Border = TableBorder.None, ShowHeaders = true };
        Table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 1, 0) });
        // The names take the room that is left and wrap; numbers and states must not.
        Table.AddColumn(Column(CaseColumn.NameHead, Justify.Left));
        Table.Columns[1].NoWrap = false;
        foreach (var column in _columns) Table.AddColumn(Column(column.Head, column.IsNumber ? Justify.Right : Justify.Left));
    }

    /// <summary>What to show.</summary>
    public Table Table { get; }

    /// <summary>Adds a row behind a mark, which is markup.</summary>
    public void Add(string mark, CaseRow row, string colour) => Table.AddRow(
        [mark, Markup.Escape(row.Name) + (row.Reason == "" ? "" : $"\n[grey]{Markup.Escape(row.Reason)}[/]"), .. _columns.Select((column, i) => i == 0 ? $"[{colour}]{Markup.Escape(column.Cell(row))}[/]" : Markup.Escape(column.Cell(row)))]);

    private static TableColumn Column(string head, Justify side) =>
        new($"[grey]{head}[/]") { Alignment = side, NoWrap = true, Padding = new Padding(0, 0, 2, 0) };
}
