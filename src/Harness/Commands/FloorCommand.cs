using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Services;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline floor</c>: the lowest cap that a load or a program survives, and the lowest at which it is at ease.</summary>
internal static class FloorCommand
{
    /// <summary>The first use reads what nobody has read before; the second tells what has stayed.</summary>
    private const int Passes = 2;

    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder", ArgumentArity.ZeroOrOne);
        var strategy = CommandOptions.Strategy();
        var device = CommandOptions.Device();
        var runtime = CommandOptions.Runtime();
        var loading = new LoadingOptions();
        var json = new Option<bool>("--json") { Description = "print floor, comfort and probes as JSON" };
        var command = new Command(
            "floor",
            "Find the lowest cap that a load survives, and the lowest at which using its weights reads nothing again; or both of any program: "
            + $"floor {ProgramOptions.Usage}")
        {
            path, strategy, device, runtime, loading.Engine, loading.DType, loading.Ring, json,
        };
        var passes = new PassOptions($"{Passes}").AddTo(command, areImplied: true);
        var program = new ProgramOptions().AddTo(command);
        var names = new NameOptions().AddTo(command);
        command.Check(result =>
        {
            // A misspelt option was taken for the path, and that is the error to report.
            if (result.GetResult(path) is { Tokens: [var token] } && CommandOptions.LooksLikeOption(token.Value)) return;
            var own = result.GetValue(path) is not null;
            if (own && program.AreGiven(result)) result.AddError("give a checkpoint or a program behind --, not both");
            else if (!own && !program.AreGiven(result)) result.AddError("name a checkpoint, or a program behind --");
            else if (own && result.GetResult(strategy) is null) result.AddError("Option '--strategy' is required.");
            else if (!own && new Option[] { strategy, passes.Passes, passes.Use, loading.Engine, loading.DType, loading.Ring }
                .FirstOrDefault(o => result.GetResult(o) is not null) is { } option)
            {
                result.AddError($"{option.Name} is of a load, and a program behind -- loads as it likes");
            }
            else if (result.GetValue(passes.Passes) == 1)
                result.AddError($"--passes 1 tells nothing of what is read again: the least is {Passes}");
        });
        command.SetAction((parse, cancellation) =>
        {
            var runtimeName = parse.GetValue(runtime) ?? RuntimeChooser.Auto;
            if (program.Of(parse) is { } other) return ProgramAsync(services, other, runtimeName, parse.GetValue(json), cancellation);
            var options = loading.Apply(parse, new LoadOptions { Strategy = parse.GetValue(strategy)!, Device = Device.Parse(parse.GetValue(device)!), Names = names.Of(parse) });
            return LoadAsync(services, parse.GetValue(path)!, options, passes.Of(parse, Passes), runtimeName, parse.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> LoadAsync(
        HarnessServices services, string path, LoadOptions options, PassChoice passes, string runtimeName, bool json, CancellationToken cancellation)
    {
        var (reference, plannedBytes) = Reference(path, options, passes, services.RamLimitBytes() / ByteSize.MiB * ByteSize.MiB);
        CheckpointCache.RefuseMemory(Path.GetFullPath(path), services.MemoryOf);
        await using var runtime = await services.OpenWithAsync(runtimeName, options.Engine, cancellation);
        return await FindAsync(services, Probed.Load(reference, Path.GetFullPath(path), new CaseRunner(runtime), plannedBytes), runtime, json, cancellation);
    }

    private static async Task<int> ProgramAsync(HarnessServices services, OtherProgram program, string runtimeName, bool json, CancellationToken cancellation)
    {
        if (program.WhyNot(runtimeName) is { } whyNot) throw new InputException(whyNot);
        await using var runtime = await services.OpenRuntime(program.RuntimeName, "", cancellation);
        if (program.Image is { } image && await runtime.WhyNoImageAsync(image, cancellation) is { } whyNoImage)
            throw new InputException(whyNoImage);
        return await FindAsync(services, Probed.Program(program, runtime, services.RamLimitBytes()), runtime, json, cancellation);
    }

    private static async Task<int> FindAsync(HarnessServices services, Probed probed, IContainerRuntime runtime, bool json, CancellationToken cancellation)
    {
        var view = FloorView.Of(services.Console, services.Out, services.Error, json);
        var prober = new Prober(probed, view, cancellation);
        var clock = Stopwatch.StartNew();
        try
        {
            var result = await view.ShowAsync(() => new FloorRun(probed, prober).FindAsync());
            services.Out.WriteLine(json
                ? JsonSerializer.Serialize(result, FloorJson.Default.FloorResult)
                : FloorText.Of(probed.Reference, result, prober.Runs, clock.Elapsed, runtime.Description));
            return 0;
        }
        catch (FloorException e)
        {
            services.Error.WriteLine($"loadline: {PrintableText.Escape(e.Message)}");
            return e.Outcome.ExitCode();
        }
    }

    /// <summary>The load with all of the RAM there is, and what the planner says it takes.</summary>
    internal static (BudgetCase Reference, long PlannedBytes) Reference(string path, LoadOptions options, PassChoice passes, long ramBytes)
    {
        var leastBytes = WorkerMemory.Of(options.Engine).FloorBytes;
        if (ramBytes < leastBytes)
            throw new InputException($"there are {SizeText.InWords(ramBytes)} of RAM here, which is too small for the engine {options.Engine}: the least is {SizeText.InWords(leastBytes)}");
        using var checkpoint = Checkpoint.Open(path, options.Names);
        // Only what is taken on the host is asked for: the device need not be one of this machine.
        var planned = Planner.Plan(checkpoint, options, new MemoryLimits(ramBytes, long.MaxValue)).Strategies;
        var reference = new BudgetCase
        {
            Name = options.Strategy,
            Checkpoint = PrintableText.Escape(Path.GetFileName(path.TrimEnd('/'))),
            Strategy = options.Strategy,
            Device = options.Device.ToString(),
            Names = options.Names,
            CapBytes = ramBytes,
            Engine = options.Engine,
            Expect = Outcome.Loaded,
            Why = "asked for",
            DType = options.DType?.ToString(),
            Passes = passes.Count,
            Use = passes.Use,
            RingBytes = options.RingBytes,
            Timeout = BudgetCase.TimeoutFor(checkpoint.StorageBytes * (1.0 + passes.Count)),
        };
        // auto takes whatever still fits, in the end the one that takes least.
        return (reference, planned.FirstOrDefault(s => s.Strategy == options.Strategy)?.HostBytes ?? planned.Min(s => s.HostBytes));
    }
}
