using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints;
using Loadline.Harness.Runs;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Limits;
using Spectre.Console;

namespace Loadline.Harness.Output;

/// <summary>A plan, for people.</summary>
internal static class PlanText
{
    /// <summary>A line with what was planned for, a row a strategy, and a line with the choice.</summary>
    public static void Write(IAnsiConsole console, LoadPlan plan, Checkpoint checkpoint, LoadOptions options)
    {
        var device = options.Device;
        var onDevice = device.IsAccelerator ? $" and {ByteSize.Format(plan.Limits.DeviceBytes)} on {device}" : "";
        var loadedAs = options.DType is { } dtype ? $", loaded as {dtype.In(checkpoint)}" : "";
        console.WriteLine($"{ByteSize.Format(checkpoint.StorageBytes)} in {checkpoint.Entries.Count} tensors{loadedAs}, for {ByteSize.Format(plan.Limits.RamBytes)} of RAM{onDevice}");
        console.Write(TableOf(plan, device, WorkerMemory.Of(options.Engine)));
        console.WriteLine(plan.Choice is null ? $"nothing fits: `{Spread(checkpoint.Path, device)}` spreads it over what there is" : $"take {plan.Choice}: the fastest that fits, and of those as fast the one that takes the least memory");
    }

    /// <summary>The plan, and for each strategy the lowest cap that it is safe under.</summary>
    public static string Json(LoadPlan plan, LoadOptions options)
    {
        var json = JsonSerializer.SerializeToNode(plan, PlanJson.Default.LoadPlan)!;
        var worker = WorkerMemory.Of(options.Engine);
        foreach (var (strategy, node) in plan.Strategies.Zip(json["strategies"]!.AsArray())) node!["lowestCapBytes"] = LowestCap(strategy, worker);
        return json.ToJsonString(PlanJson.Default.Options);
    }

    // The lowest cap is more than what is held: the kernel's tables and the process's own files come on top.
    private static long LowestCap(PlannedStrategy strategy, WorkerMemory worker) => PlannedCap.InMebibytes(worker.CapFor(strategy.HostBytes));

    // Of a path that cannot be shown as it is nobody could copy the command.
    private static string Spread(string path, Device device) =>
        $"loadline map {(PrintableText.Escape(path) == path ? ShellWord.Of(path) : "CHECKPOINT")} --device {(device.IsAccelerator ? $"{device}," : "")}cpu,disk";

    private static string[] Host(PlannedStrategy strategy, WorkerMemory worker) => [ByteSize.Format(strategy.HostBytes), ByteSize.Format(LowestCap(strategy, worker))];

    private static Table TableOf(LoadPlan plan, Device device, WorkerMemory worker)
    {
        var table = new Table { Border = TableBorder.None };
        string[] heads = device.IsAccelerator ? ["", "strategy", "host", "lowest cap", "device", "why"] : ["", "strategy", "host", "lowest cap", "why"];
        foreach (var head in heads)
        {
            table.AddColumn(new TableColumn($"[grey]{head}[/]") { NoWrap = head != "why", Alignment = head is "host" or "lowest cap" or "device" ? Justify.Right : Justify.Left });
        }

        foreach (var strategy in plan.Strategies)
        {
            var mark = !strategy.Fits ? "[red]no[/]" : strategy.Strategy == plan.Choice ? "[green]>>[/]" : "[green]ok[/]";
            string[] sizes = device.IsAccelerator ? [.. Host(strategy, worker), ByteSize.Format(strategy.DeviceBytes)] : Host(strategy, worker);
            table.AddRow([mark, strategy.Strategy, .. sizes, Markup.Escape(strategy.Why)]);
        }

        return table;
    }
}

/// <summary>JSON for <see cref="LoadPlan"/>, without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LoadPlan))]
internal sealed partial class PlanJson : JsonSerializerContext;
