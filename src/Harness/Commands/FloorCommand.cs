using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Services;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline floor</c>: the lowest cap that a load survives.</summary>
internal static class FloorCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder");
        var strategy = CommandOptions.Strategy();
        strategy.Required = true;
        var device = CommandOptions.Device();
        var runtime = CommandOptions.Runtime();
        var loading = new LoadingOptions();
        var json = new Option<bool>("--json") { Description = "print the floor and its probes as JSON" };
        var command = new Command("floor", "Find the lowest cap that a load survives.") { path, strategy, device, runtime, loading.Engine, loading.DType, loading.Ring, json };
        var names = new NameOptions().AddTo(command);
        command.SetAction((parse, cancellation) =>
        {
            var options = loading.Apply(parse, new LoadOptions { Strategy = parse.GetValue(strategy)!, Device = Device.Parse(parse.GetValue(device)!), Names = names.Of(parse) });
            return FindAsync(services, parse.GetValue(path)!, options, parse.GetValue(runtime) ?? RuntimeChooser.Auto, parse.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> FindAsync(
        HarnessServices services, string path, LoadOptions options, string runtimeName, bool json, CancellationToken cancellation)
    {
        var (reference, guessBytes) = Reference(services, path, options);
        CheckpointCache.RefuseMemory(Path.GetFullPath(path), services.MemoryOf);
        await using var runtime = await services.OpenRuntime(runtimeName, services.FindWorker(), cancellation);
        var view = FloorView.Of(services.Console, services.Out, services.Error, json);
        var run = new FloorRun(new CaseRunner(runtime), view);
        var clock = Stopwatch.StartNew();
        try
        {
            var result = await view.ShowAsync(() => run.FindAsync(reference, Path.GetFullPath(path), guessBytes, cancellation));
            services.Out.WriteLine(json
                ? JsonSerializer.Serialize(result, FloorJson.Default.FloorResult)
                : FloorText.Of(reference, result, run.Probes, clock.Elapsed, runtime.Description));
            return 0;
        }
        catch (FloorException e)
        {
            services.Error.WriteLine($"loadline: {e.Message}");
            return e.Outcome.ExitCode();
        }
    }

    /// <summary>The load with all of the RAM there is, and what the planner says it takes.</summary>
    private static (BudgetCase Reference, long GuessBytes) Reference(HarnessServices services, string path, LoadOptions options)
    {
        using var checkpoint = Checkpoint.Open(path, options.Names);
        var ramBytes = services.RamLimitBytes() / ByteSize.MiB * ByteSize.MiB;
        // Only what is taken on the host is asked for: the device need not be one of this machine.
        var planned = Planner.Plan(checkpoint, options, new MemoryLimits(ramBytes, long.MaxValue)).Strategies;
        var reference = new BudgetCase
        {
            Name = options.Strategy,
            Checkpoint = Path.GetFileName(path.TrimEnd('/')),
            Strategy = options.Strategy,
            Device = options.Device.ToString(),
            Names = options.Names,
            CapBytes = ramBytes,
            Engine = options.Engine,
            Expect = Outcome.Loaded,
            Why = "asked for",
            DType = options.DType?.ToString(),
            RingBytes = options.RingBytes,
            Timeout = BudgetCase.TimeoutFor(checkpoint.StorageBytes),
        };
        // auto takes whatever still fits, in the end the one that takes least.
        return (reference, planned.FirstOrDefault(s => s.Strategy == options.Strategy)?.HostBytes ?? planned.Min(s => s.HostBytes));
    }
}
