using System.CommandLine;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Strategies.Runs;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline load</c>: one load, in this process or under a cap.</summary>
internal static class LoadCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder");
        var strategy = CommandOptions.Strategy();
        strategy.Required = true;
        var device = CommandOptions.Device();
        var cap = CommandOptions.Cap();
        var engine = CommandOptions.Engine();
        var ring = CommandOptions.Ring();
        var verify = CommandOptions.Verify();
        var json = new Option<bool>("--json") { Description = "print the report as JSON" };
        var command = new Command("load", "Load a checkpoint once and report what it took.") { path, strategy, device, cap, engine, ring, verify, json };
        command.SetAction((parse, cancellation) =>
        {
            var options = new LoadOptions { Strategy = parse.GetValue(strategy)!, Device = Device.Parse(parse.GetValue(device)!) };
            if (parse.GetValue(engine) is { } named) options = options with { Engine = named };
            if (parse.GetValue(ring) is { } ringBytes) options = options with { RingBytes = ringBytes };
            var request = new LoadRequest(parse.GetValue(path)!, options, VerifyDigests: parse.GetValue(verify) is not null);
            return parse.GetValue(cap) is { } capBytes
                ? UnderCapAsync(services, request, capBytes, parse.GetValue(json), cancellation)
                : InProcessAsync(services, request, parse.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> InProcessAsync(HarnessServices services, LoadRequest request, bool json, CancellationToken cancellation)
    {
        var observer = new CaseObserver();
        // A load cannot be stopped half-way: when it is interrupted, it ends with this process.
        var code = await Task.Run(() => services.LoadHere(request, observer.Add), cancellation).WaitAsync(cancellation);
        var seen = observer.Snapshot();
        if (code == ExitCodes.Loaded && seen.Report is { } report) Print(services, report, seen.Verified, json);
        else services.Error.WriteLine($"loadline: {PrintableText.Escape(seen.Failure?.Message ?? $"{request.Path}: the load ended with exit code {code} and said nothing")}");
        return code;
    }

    private static async Task<int> UnderCapAsync(HarnessServices services, LoadRequest request, long capBytes, bool json, CancellationToken cancellation)
    {
        var floorBytes = WorkerMemory.Of(request.Options.Engine).FloorBytes;
        if (capBytes < floorBytes)
        {
            throw new InputException($"--cap {SizeText.InWords(capBytes)} is too small for the engine {request.Options.Engine}: the least is {SizeText.InWords(floorBytes)}");
        }

        using var checkpoint = Checkpoint.Open(request.Path);
        await using var runtime = await services.OpenRuntime(RuntimeChooser.Auto, services.FindWorker(), cancellation);
        var budget = new BudgetCase
        {
            Name = request.Options.Strategy,
            Checkpoint = Path.GetFileName(request.Path.TrimEnd('/')),
            Strategy = request.Options.Strategy,
            Device = request.Options.Device.ToString(),
            CapBytes = capBytes,
            Engine = request.Options.Engine,
            Why = "asked for",
            RingBytes = request.Options.RingBytes,
            Verify = request.VerifyDigests ? Known.Verifications[0] : null,
            Timeout = BudgetCase.TimeoutFor(checkpoint.StorageBytes),
        };

        var (result, seen) = await new CaseRunner(runtime).RunAsync(budget, Path.GetFullPath(request.Path), onEvent: null, cancellation);
        if (result.Outcome == Outcome.Loaded) Print(services, seen.Report!, seen.Verified, json);
        else services.Error.WriteLine($"loadline: {Verdict.Of(budget with { Expect = Outcome.Loaded }, result.Outcome, seen).Message}");
        return result.Outcome.ExitCode();
    }

    private static void Print(HarnessServices services, LoadReport report, VerifiedEvent? verified, bool json) =>
        services.Out.WriteLine(json ? JsonSerializer.Serialize(report, WorkerJson.Default.LoadReport) : LoadText.Of(report, verified));
}
