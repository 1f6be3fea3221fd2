using System.Diagnostics;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Runtimes;

namespace Loadline.Benchmarks.Gpu;

/// <summary>Runs contenders in turn, round by round, so that what changes on the machine meanwhile meets everybody.</summary>
/// <param name="options">What to measure.</param>
/// <param name="record">Gets every row; it is saved after every round.</param>
/// <param name="cache">Where checkpoints are made.</param>
/// <param name="gpu">The device's gauge.</param>
internal sealed class GpuMeasuring(GpuOptions options, GpuRecord record, CheckpointCache cache, Nvml? gpu)
{
    /// <summary>The end of a row's <see cref="GpuRow.WhyNot"/> where there was no time for more.</summary>
    public const string TimeIsUp = "the time was up";

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Everything that is asked for of one model.</summary>
    public async Task ModelAsync(string model, CancellationToken cancellation)
    {
        var contenders = GpuContender.All.Where(c => options.Wants(c.Name)).ToList();
        var settings = options.Wants(GpuRecord.SettingsGroup) ? GpuContender.Settings : [];
        foreach (var format in contenders.Concat(settings).Select(c => c.Format).Distinct())
        {
            using var checkpoint = Checkpoint.Open(PathOf(model, format));
            record.WeightBytes[model] = checkpoint.StorageBytes;
        }

        if (contenders.Count > 0) await LimitsAsync(model, contenders, cancellation);
        foreach (var cold in (bool[])[false, true])
        {
            var state = cold ? "cold" : "warm";
            await RoundsAsync($"{model}, {state}", options.Runs, contenders.Select(c => Load("load", model, c, cold)), cancellation);
            await RoundsAsync($"{model}, settings, {state}", options.Runs, settings.Select(c => Load(GpuRecord.SettingsGroup, model, c, cold)), cancellation);
        }

        await new CappedLoads(options, record, PathOf).RunAsync(this, model, contenders, cancellation);
        await RoundsAsync($"{model}, weights compared", 1, contenders.Where(c => c.Side == Side.Loadline).Select(c => Digest(model, c)), cancellation);
    }

    /// <summary>Runs each of some rows so often; one that fails is left out from then on and says why.</summary>
    public async Task RoundsAsync(string what, int rounds, IEnumerable<(GpuRow Row, Func<Task<GpuRun>> Once)> contenders, CancellationToken cancellation)
    {
        var all = contenders.ToList();
        var longest = TimeSpan.Zero;
        for (var round = 0; round < rounds && all.Count > 0; round++)
        {
            var start = _clock.Elapsed;
            if (options.Limit is { } limit && start + longest > limit)
            {
                foreach (var (row, _) in all) row.WhyNot = $"{round} of {rounds} rounds: {TimeIsUp}";
                Console.Error.WriteLine($"{what}: the time is up after {round} of {rounds} rounds");
                Put();
                return;
            }

            Console.Error.WriteLine($"{what}: round {round + 1} of {rounds}, {all.Count} contenders");
            foreach (var (row, once) in all.Where(c => c.Row.WhyNot is null))
            {
                cancellation.ThrowIfCancellationRequested();
                await RunAsync(row, once);
            }

            Put();
            longest = TimeSpan.FromTicks(Math.Max(longest.Ticks, (_clock.Elapsed - start).Ticks));
        }

        // After every round: whatever ends this program early loses no more than that.
        void Put()
        {
            foreach (var (row, _) in all) record.Put(row);
            record.Save(options.Folder);
        }
    }

    private static async Task RunAsync(GpuRow row, Func<Task<GpuRun>> once)
    {
        try
        {
            row.Runs.Add(await once());
        }
        // A contender that is not there, or a page cache that does not empty, is one gap in the record and no reason to lose the rest.
        catch (Exception e) when (e is ContenderException or InvalidOperationException or GaugeException or RuntimeException)
        {
            row.WhyNot = e.Message;
            Console.Error.WriteLine($"  {row.Name}: {e.Message}");
        }
    }

    private (GpuRow, Func<Task<GpuRun>>) Load(string group, string model, GpuContender contender, bool cold) =>
        (new GpuRow(group, model, contender.Name, contender.Side, cold, record.WeightBytes[model]), () => OnceAsync(model, contender, cold));

    /// <summary>One load.</summary>
    public async Task<GpuRun> OnceAsync(string model, GpuContender contender, bool cold, params string[] more)
    {
        var path = PathOf(model, contender.Format);
        if (cold) PageCacheState.Cool(path);
        else PageCacheState.Warm(path);
        var end = await MeasuredProcess.RunAsync([.. contender.Command(options, path, cold), .. more], gpu, CancellationToken.None,
            contender.Side == Side.Loadline ? WorkerEnvironment.Runtime : null);
        return contender.Side == Side.Loadline ? OfWorker(end) : OfPeers(end);
    }

    private (GpuRow, Func<Task<GpuRun>>) Digest(string model, GpuContender contender) =>
        (new GpuRow("digest", model, contender.Name, contender.Side, false, record.WeightBytes[model]), () => OnceAsync(model, contender, cold: false, "--verify", "digest"));

    private async Task LimitsAsync(string model, IReadOnlyList<GpuContender> contenders, CancellationToken cancellation)
    {
        var copy = GpuContender.PinnedCopy;
        var limits = new List<(GpuRow, Func<Task<GpuRun>>)>
        {
            (new GpuRow("limit", "", copy.Name, Side.Limit, false, ByteSize.GiB), async () =>
                OfPeers(await MeasuredProcess.RunAsync(copy.Command(options, "", cold: false), gpu, cancellation))),
        };
        var path = PathOf(model, contenders[0].Format);
        foreach (var readers in FileLimits.ReaderCounts(record.Readers)) limits.Add(Read(readers, cold: false));
        limits.Add(Read(record.Readers, cold: true));

        foreach (var streams in FileLimits.DirectStreams)
        {
            limits.Add((FileRow(model, path, FileLimits.DirectBy(streams), cold: true), () => FileLimits.DirectAsync(path, streams, cancellation)));
        }

        await RoundsAsync($"{model}, limits", options.Runs, limits, cancellation);

        (GpuRow, Func<Task<GpuRun>>) Read(int readers, bool cold) =>
            (FileRow(model, path, FileLimits.ReadBy(readers), cold), () => FileLimits.ReadAsync(path, readers, record.RingBytes, cold));
    }

    private static GpuRow FileRow(string model, string path, string name, bool cold) => new("limit", model, name, Side.Limit, cold, new FileInfo(path).Length);

    private static GpuRun OfWorker(ProcessEnd end)
    {
        if (end.Seen.Report is not { } report) throw new ContenderException("exit code 0 without a report");
        return new GpuRun(report.Seconds)
        {
            BaselineAnonymousBytes = report.BaselineAnonymousBytes,
            PeakAnonymousBytes = report.PeakAnonymousBytes,
            RequestedDeviceBytes = report.DeviceBytes,
            DriverDeviceBytes = end.PeakUsedDeviceBytes,
        };
    }

    private static GpuRun OfPeers(ProcessEnd end)
    {
        using var said = JsonDocument.Parse(end.LastLine);
        return new GpuRun(said.RootElement.GetProperty("seconds").GetDouble())
        {
            BaselineAnonymousBytes = Number("baselineAnonymousBytes"),
            PeakAnonymousBytes = end.PeakAnonymousBytes,
            RequestedDeviceBytes = Number("requestedDeviceBytes"),
            AllocatedDeviceBytes = Number("allocatedDeviceBytes"),
            ReservedDeviceBytes = Number("reservedDeviceBytes"),
            DriverDeviceBytes = end.PeakUsedDeviceBytes,
        };

        long? Number(string name) => said.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;
    }

    private string PathOf(string model, CheckpointFormat format)
    {
        var dtype = Forward.Models.KnownModels.PublishedDType(model);
        var source = new GeneratedCheckpoint(new CheckpointRecipe(model, format, dtype, 0)) { Name = model };
        return cache.Provide(source, "gpu", _ => { }, CancellationToken.None);
    }
}
