using Loadline.Checkpoints;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Benchmarks.Gpu;

/// <summary>A streamed load under a cap that leaves nothing beside its context, its ring and 64 MiB, and the same load without one, in turn.</summary>
internal sealed class CappedLoads(GpuOptions options, GpuRecord record, Func<string, CheckpointFormat, string> pathOf)
{
    /// <summary>The group of its rows.</summary>
    public const string Group = "capped";

    /// <summary>The load with the cap; the other has its contender's own name.</summary>
    public const string Name = "streamed under the cap";

    private const long LeewayBytes = 64 * ByteSize.MiB;

    public async Task RunAsync(GpuMeasuring measuring, string model, IReadOnlyList<GpuContender> contenders, CancellationToken cancellation)
    {
        var contender = contenders.FirstOrDefault(c => c.Name.StartsWith("streamed", StringComparison.Ordinal) && record.Find("load", model, c.Name) is not null);
        if (contender is null) return;
        try
        {
            await using var runtime = await CgroupRuntime.StartAsync(options.WorkerPath, cancellation);
            await ShouldKillAsync(runtime, cancellation);
            var contextBytes = record.Find("load", model, contender.Name)!.Most(r => r.BaselineAnonymousBytes)
                ?? throw new RuntimeException("cgroup: the load without a cap said nothing of its context");
            var capBytes = (contextBytes + record.RingBytes + LeewayBytes + ByteSize.MiB - 1) / ByteSize.MiB * ByteSize.MiB;
            record.Caps[model] = new GpuCap(capBytes, null);
            var rows = new List<(GpuRow, Func<Task<GpuRun>>)>();
            foreach (var cold in (bool[])[false, true])
            {
                rows.Add((Row(contender.Name, cold, null), () => measuring.OnceAsync(model, contender, cold)));
                rows.Add((Row(Name, cold, capBytes), () => UnderCapAsync(runtime, contender, capBytes, cold, cancellation)));
            }

            await measuring.RoundsAsync($"{model}, under {ByteSize.Format(capBytes)}", options.Runs, rows, cancellation);
        }
        catch (RuntimeException e)
        {
            record.Caps[model] = new GpuCap(null, e.Message);
            Console.Error.WriteLine($"  no cap: {e.Message}");
        }

        record.Save(options.Folder);

        GpuRow Row(string name, bool cold, long? capBytes) => new(Group, model, name, contender.Side, cold, record.WeightBytes[model]) { CapBytes = capBytes };

        async Task<GpuRun> UnderCapAsync(CgroupRuntime runtime, GpuContender of, long capBytes, bool cold, CancellationToken stop)
        {
            var path = pathOf(model, of.Format);
            if (cold) PageCacheState.Cool(path);
            else PageCacheState.Warm(path);
            var observer = new CaseObserver();
            var spec = new ContainerSpec
            {
                Command = [ContainerSpec.Worker, .. of.Command(options, path, cold).Skip(1)],
                CapBytes = capBytes,
                Gpus = options.OnGpu ? options.Device.Index + 1 : 0,
                Timeout = TimeSpan.FromMinutes(5),
            };
            var ended = await runtime.RunAsync(spec, line => observer.Add(line), stop);
            if (ended.KilledByCap) throw new ContenderException($"killed by the cap of {ByteSize.Format(capBytes)}");
            var report = observer.Snapshot().Report ?? throw new ContenderException(observer.Snapshot().Failure?.Message ?? $"exit code {ended.ExitCode}");
            return new GpuRun(report.Seconds)
            {
                BaselineAnonymousBytes = report.BaselineAnonymousBytes,
                PeakAnonymousBytes = report.PeakAnonymousBytes,
                RequestedDeviceBytes = report.DeviceBytes,
            };
        }
    }

    // Some sandboxes take a limit and hold nothing to it.
    private static async Task ShouldKillAsync(CgroupRuntime runtime, CancellationToken cancellation)
    {
        var spec = new ContainerSpec
        {
            // tail keeps what it cannot know to be the last line: all of it.
            Command = ["/bin/sh", "-c", "head -c 256M /dev/zero | tail > /dev/null"],
            CapBytes = 64 * ByteSize.MiB,
            Timeout = TimeSpan.FromMinutes(1),
        };
        var ended = await runtime.RunAsync(spec, _ => { }, cancellation);
        if (!ended.KilledByCap) throw new RuntimeException($"cgroup: a program that took 256 MiB under a cap of 64 MiB was not killed (exit code {ended.ExitCode}): this kernel does not enforce a cap");
    }
}
