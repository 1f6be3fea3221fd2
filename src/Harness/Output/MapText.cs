using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Spectre.Console;

namespace Loadline.Harness.Output;

/// <summary>A device map, for people.</summary>
internal static class MapText
{
    private const int IndentWidth = 4;
    private const int NameWidth = 32;

    // The console lays out the whole tree before the first line, and nobody reads ten thousand: --json has all.
    private const int MostLines = 2000;

    /// <summary>A row a device, then the model as a tree.</summary>
    public static void Write(IAnsiConsole console, DeviceMapPlan plan, Checkpoint checkpoint)
    {
        console.WriteLine($"{ByteSize.Format(plan.Tree.Bytes)} in {checkpoint.Entries.Count} tensor{(checkpoint.Entries.Count == 1 ? "" : "s")}");
        console.Write(TableOf(plan));
        var tree = new Tree(Label(Path.GetFileName(checkpoint.Path.TrimEnd('/')), plan.Tree, NameWidth + IndentWidth));
        var left = MostLines;
        AddTo(tree, plan.Tree.Parts, NameWidth, ref left);
        console.Write(tree);
    }

    private static Table TableOf(DeviceMapPlan plan)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var head in (string[])["device", "weights", "limit", "kept free", "why this limit"])
        {
            table.AddColumn(new TableColumn($"[grey]{head}[/]") { NoWrap = head != "why this limit", Alignment = head is "device" or "why this limit" ? Justify.Left : Justify.Right });
        }

        foreach (var use in plan.Uses)
        {
            table.AddRow(
                use.Device.NameInList, ByteSize.Format(use.WeightBytes), use.LimitBytes is { } limit ? ByteSize.Format(limit) : "",
                use.KeptBytes > 0 ? ByteSize.Format(use.KeptBytes) : "", Markup.Escape(use.Why));
        }

        return table;
    }

    private static void AddTo(IHasTreeNodes tree, IReadOnlyList<PlacedModule> parts, int width, ref int left)
    {
        for (var first = 0; first < parts.Count;)
        {
            if (left-- <= 0)
            {
                tree.AddNode($"… and {parts.Count - first} more: --json has all");
                return;
            }

            var (run, next) = (parts[first], first + 1);
            // Eighty blocks are a line for each device, not eighty.
            if (run.Device is not null && IsNumber(run))
            {
                for (; next < parts.Count && parts[next].Device == run.Device && IsNumber(parts[next]); next++) run = run with { Bytes = run.Bytes + parts[next].Bytes };
            }

            var name = next == first + 1 ? run.Name : $"{run.Name} to {parts[next - 1].Name}";
            AddTo(tree.AddNode(Label(name, run, width)), run.Parts, width - IndentWidth, ref left);
            first = next;
        }
    }

    private static bool IsNumber(PlacedModule module) => module.Name.All(char.IsAsciiDigit);

    private static string Label(string name, PlacedModule module, int width)
    {
        var text = PrintableText.Escape(PrintableText.Shorten(name, maxLength: 60));
        return Markup.Escape($"{text.PadRight(Math.Max(width, 8))}{ByteSize.Format(module.Bytes),10}  {module.Device?.NameInList}".TrimEnd());
    }
}
