using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Forward;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline load</c>: one load, in this process or under a cap.</summary>
internal static class LoadCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder");
        var strategy = CommandOptions.Strategy();
        strategy.Required = true;
        var map = new MapOptions();
        var offload = new Option<string?>("--offload-folder") { Description = "where a map's disk writes weights that are compressed or get another dtype; by default beside the cache of checkpoints", HelpName = "FOLDER" };
        var loading = new LoadingOptions();
        var readers = CommandOptions.Count("--readers", "how many threads read; by default as many as there are cores, 2 to 8", ReadSizes.MostReaders);
        var reads = CommandOptions.Reads();
        var verify = CommandOptions.Verify();
        var heads = CommandOptions.Heads();
        var resident = CommandOptions.Size("--resident", "the most memory that a forward may hold copies of mapped layers in; by default it computes where they are mapped");
        var json = new Option<bool>("--json") { Description = "print the report as JSON" };
        var command = new Command("load", "Load a checkpoint once and report what it took. Its files leave the page cache first: the load is a cold one.")
        {
            path, strategy, map.Device, map.Rule, map.MaxMemory, map.NoSplit, offload, loading.Engine, loading.DType, loading.Ring, readers, reads,
            verify, heads, resident, json,
        };
        var cap = new CapOptions().AddTo(command);
        var passes = new PassOptions().AddTo(command);
        var names = new NameOptions().AddTo(command);
        command.Check(result => map.Validate(result, strategy, offload));
        command.Check(result =>
        {
            if (result.GetResult(verify) is { Tokens: [{ Value: Known.Forward }] } || passes.IsForward(result)) return;
            if (result.GetResult(heads) is not null) result.AddError($"--heads needs --verify {Known.Forward}, or --use {Known.Forward}");
            else if (result.GetResult(resident) is not null) result.AddError($"--resident needs --verify {Known.Forward}, or --use {Known.Forward}");
        });
        command.SetAction((parse, cancellation) =>
        {
            var options = loading.Apply(parse, map.Apply(parse, new LoadOptions { Strategy = parse.GetValue(strategy)!, Names = names.Of(parse) }));
            options = options with { Readers = parse.GetValue(readers) ?? options.Readers, Reads = ReadModes.Parse(parse.GetValue(reads) ?? "auto") };
            if (parse.GetValue(offload) is not null && !options.Devices.Contains(Device.Disk)) throw new InputException("--offload-folder needs disk among the devices");
            if (options.Devices.Contains(Device.Disk)) options = options.WithOffloadFolder(Path.GetFullPath(parse.GetValue(offload) ?? services.OffloadFolder));
            var (count, use) = passes.Of(parse);
            var computation = new ForwardOptions(parse.GetValue(heads), parse.GetValue(resident));
            var request = new LoadRequest(parse.GetValue(path)!, options, VerifyDigests: parse.GetValue(verify) == Known.Digest)
            {
                Forward = parse.GetValue(verify) == Known.Forward ? computation : null,
                Passes = count,
                Use = use is null ? WeightUse.Read : WeightUses.Parse(use),
                UseForward = count > 0 ? computation : new ForwardOptions(),
            };
            return cap.Of(parse) is { } choice
                ? UnderCapAsync(services, request, map.Texts(parse), parse.GetValue(readers), choice, parse.GetValue(json), cancellation)
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
        if (code == ExitCodes.Loaded && seen.Report is { } report) Print(services, report, seen.Verified, json, isAlone: false);
        else PrintFailure(services, seen.Failure?.Kind ?? "error", seen.Failure?.Message ?? $"{request.Path}: the load ended with exit code {code} and said nothing", neededBytes: null, json);
        return code;
    }

    private static async Task<int> UnderCapAsync(
        HarnessServices services, LoadRequest request, MapTexts map, int? readers, CapChoice cap, bool json, CancellationToken cancellation)
    {
        var floorBytes = WorkerMemory.Of(request.Options.Engine).FloorBytes;
        if (cap.Bytes < floorBytes)
        {
            throw new InputException($"--cap {SizeText.InWords(cap.Bytes)} is too small for the engine {request.Options.Engine}: the least is {SizeText.InWords(floorBytes)}");
        }

        using var checkpoint = OpenOrTell(services, request, json);
        if (checkpoint is null) return ExitCodes.Refused;
        CheckpointCache.RefuseMemory(Path.GetFullPath(request.Path), services.MemoryOf);
        await using var runtime = await services.OpenWithAsync(cap.Runtime, request.Options.Engine, cancellation);
        var budget = new BudgetCase
        {
            Name = request.Options.Strategy,
            Checkpoint = Path.GetFileName(request.Path.TrimEnd('/')),
            Strategy = request.Options.Strategy,
            Names = request.Options.Names,
            Device = request.Options.Devices.ToString(),
            Map = map.Rule,
            MaxMemory = map.MaxMemory,
            NoSplit = map.NoSplit,
            OffloadFolder = OffloadFolderOf(checkpoint, request.Options),
            CapBytes = cap.Bytes,
            Engine = request.Options.Engine,
            Why = "asked for",
            DType = request.Options.DType?.ToString(),
            RingBytes = request.Options.RingBytes,
            Readers = readers,
            Reads = request.Options.Reads,
            Verify = request.Forward is not null ? Known.Forward : request.VerifyDigests ? Known.Digest : null,
            Passes = request.Passes,
            Use = request.Passes > 0 && request.Use == WeightUse.Forward ? Known.Forward : null,
            Heads = request.Computation?.Heads,
            ResidentBytes = request.Computation?.ResidentBytes,
            Timeout = BudgetCase.TimeoutFor(checkpoint.StorageBytes * (1.0 + request.Passes)),
        };

        var (result, seen) = await new CaseRunner(runtime).RunAsync(budget, Path.GetFullPath(request.Path), onEvent: null, cancellation);
        if (result.Outcome == Outcome.Loaded) Print(services, seen.Report!, seen.Verified, json, isAlone: true);
        else
        {
            var neededBytes = result.Outcome == Outcome.Killed && PlannedCap.Of(budget, request.Path) is { } planned && planned > cap.Bytes ? planned : (long?)null;
            PrintFailure(services, result.Outcome.Name(), Verdict.Of(budget with { Expect = Outcome.Loaded }, result.Outcome, seen).Message ?? "", neededBytes, json);
        }

        return result.Outcome.ExitCode();
    }

    // As a load tells it that is refused in this process.
    private static Checkpoint? OpenOrTell(HarnessServices services, LoadRequest request, bool json)
    {
        try
        {
            return Checkpoint.Open(request.Path, request.Options.Names);
        }
        catch (CheckpointException e)
        {
            PrintFailure(services, Outcome.Refused.Name(), e.Message, neededBytes: null, json);
            return null;
        }
    }

    // A container sees only what is there when it starts; most loads write nothing.
    private static string? OffloadFolderOf(Checkpoint checkpoint, LoadOptions options)
    {
        if (options.DeviceMap?.OffloadFolder is not { } folder || (options.DType is null && checkpoint.Storages.All(s => s.IsMappable))) return null;
        OffloadFolder.Make(folder);
        return Path.GetFullPath(folder);
    }

    // For programs as well: what reads JSON is asked to read it exactly when something went wrong.
    private static void PrintFailure(HarnessServices services, string outcome, string message, long? neededBytes, bool json)
    {
        if (json) services.Out.WriteLine(JsonSerializer.Serialize(new LoadFailure(outcome, message, neededBytes), LoadFailureJson.Default.LoadFailure));
        var needed = neededBytes is { } bytes ? $"; it needs a cap of {ByteSize.Format(bytes)} by the plan, and `loadline plan` shows what fits under this one" : "";
        services.Error.WriteLine($"loadline: {PrintableText.Escape(message)}{needed}");
    }

    private static void Print(HarnessServices services, LoadReport report, VerifiedEvent? verified, bool json, bool isAlone) =>
        services.Out.WriteLine(json ? JsonSerializer.Serialize(report, WorkerJson.Default.LoadReport) : LoadText.Of(report, verified, isAlone));
}

/// <summary>What <c>load --json</c> prints of a load that did not come to its end.</summary>
/// <param name="Outcome">killed, refused, device-oom, verification-failed, timeout or error.</param>
/// <param name="Message">One line for people.</param>
/// <param name="NeededCapBytes">Of a load that was killed, the lowest cap that it is safe under by the plan.</param>
internal sealed record LoadFailure(string Outcome, string Message, long? NeededCapBytes);

/// <summary>JSON for <see cref="LoadFailure"/>, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LoadFailure))]
internal sealed partial class LoadFailureJson : JsonSerializerContext;
