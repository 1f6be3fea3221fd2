// Ours, PyTorch's and safetensors' ways onto a GPU, and the machine's limits, in turn: see benchmarks/gpu/run.
using System.CommandLine;
using Loadline.Benchmarks.Gpu;
using Loadline.Forward.Models;
using Loadline.Harness.Making;
using Loadline.Tensors;

string[] names = [.. GpuContender.All.Select(c => c.Name), GpuRecord.SettingsGroup];
var folder = new Argument<string>("FOLDER") { Description = "where the record is; measurements of the same machine are added to it" };
var runs = new Argument<int>("RUNS") { Description = "rounds; 0 writes the page again", DefaultValueFactory = _ => 5 };
var only = new Option<string[]>("--only") { Description = "a model instead of gpt2-xl and llama-3-8b; several times for several" };
var contenders = new Option<string[]>("--contenders") { Description = $"one of these instead of all, several times for several: {string.Join(" | ", names)}" };
var device = new Option<string>("--device") { Description = "where ours load to; another than cuda:N makes it a rehearsal", DefaultValueFactory = _ => "cuda:0" };
var minutes = new Option<double?>("--minutes") { Description = "begin no round that would probably end later than this" };
var worker = new Option<string>("--worker") { Description = "the published worker", Required = true };
var peers = new Option<string>("--peers") { Description = "peers.py", Required = true };
var python = new Option<string>("--python") { Description = "the Python that has torch and safetensors, and what stands before the script", DefaultValueFactory = _ => "python3" };
only.AcceptOnlyFromAmong([.. KnownModels.Names]);
contenders.AcceptOnlyFromAmong(names);

var command = new RootCommand("Measures how weights come onto a GPU.") { folder, runs, only, contenders, device, minutes, worker, peers, python };
command.SetAction(async (parse, cancellation) =>
{
    var options = new GpuOptions
    {
        Folder = parse.GetValue(folder)!,
        Runs = parse.GetValue(runs),
        Contenders = parse.GetValue(contenders) ?? [],
        Device = Device.Parse(parse.GetValue(device)!),
        Limit = parse.GetValue(minutes) is { } limit ? TimeSpan.FromMinutes(limit) : null,
        WorkerPath = Path.GetFullPath(parse.GetValue(worker)!),
        PeersPath = Path.GetFullPath(parse.GetValue(peers)!),
        Python = parse.GetValue(python)!.Split(' ', StringSplitOptions.RemoveEmptyEntries),
    };
    if (parse.GetValue(only) is { Length: > 0 } models) options = options with { Models = models };
    return await MeasureAsync(options, cancellation);
});
return await command.Parse(args).InvokeAsync();

static async Task<int> MeasureAsync(GpuOptions options, CancellationToken cancellation)
{
    try
    {
        Directory.CreateDirectory(options.Folder);
        var gpu = options.OnGpu ? Nvml.TryOpen(options.Device.Index, Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES")) : null;
        var record = options.Runs == 0
            ? GpuRecordFile.Find(options.Folder) ?? throw new InvalidOperationException($"{options.Folder} has no record yet")
            : await GpuRecordFile.OpenAsync(options, gpu, cancellation);
        var measuring = new GpuMeasuring(options, record, new CheckpointCache(CheckpointCache.DefaultFolder(), new SyntheticCheckpointMaker()), gpu);
        foreach (var model in options.Runs == 0 ? [] : options.Models) await measuring.ModelAsync(model, cancellation);
        record.Save(options.Folder);
        foreach (var target in GpuTargets.All(record)) Console.WriteLine($"{target.Verdict,-12} {target.Measured,6}  {target.What}");
        return 0;
    }
    catch (Exception e) when (e is InvalidOperationException or IOException or FormatException)
    {
        Console.Error.WriteLine($"gpu-benchmark: {e.Message}");
        return 2;
    }
}
