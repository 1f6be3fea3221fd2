using Loadline.Gauges;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Harness;

/// <summary>A runtime that runs nothing: it writes the lines of a script and ends as that says.</summary>
internal sealed class FakeRuntime(Func<ContainerSpec, FakeEnd> script) : IContainerRuntime
{
    private readonly Lock _lock = new();

    public string Name => "fake";

    public string Description => "fake 1.0, cgroup v2";

    public int CgroupVersion => 2;

    public List<ContainerSpec> Specs { get; } = [];

    public bool Disposed { get; private set; }

    /// <summary>Why workers cannot have the engine libtorch.</summary>
    public string? WhyNoLibtorch { get; set; }

    /// <summary>Why what an engine needs could not be made.</summary>
    public string? WhyUnprepared { get; set; }

    /// <summary>Why no program can run in an image.</summary>
    public string? WhyNoImage { get; set; }

    public Task<string?> WhyNoImageAsync(string image, CancellationToken cancellation) => Task.FromResult(WhyNoImage);

    public Task<string?> PrepareAsync(string engine, CancellationToken cancellation) => Task.FromResult(engine == EngineNames.TorchSharp ? WhyUnprepared : null);

    public Task<string?> WhyNotAsync(string engine, CancellationToken cancellation) => Task.FromResult(engine == EngineNames.Libtorch ? WhyNoLibtorch : null);

    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        lock (_lock) Specs.Add(spec);
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        var end = script(spec);
        foreach (var line in end.Lines) onOutput(line);
        foreach (var line in end.ErrorLines ?? []) spec.OnErrorLine?.Invoke(line);
        return new ContainerOutcome(end.ExitCode, end.KilledByCap, end.TimedOut, end.ErrorLines ?? [], end.CgroupPeakBytes, end.AnonymousPeakBytes)
        {
            Memory = end.Memory,
            EndTimestamp = end.EndTimestamp,
            AnonymousAtMostBytes = end.AnonymousPeakBytes,
        };
    }

    public ValueTask DisposeAsync()
    {
        Disposed = true;
        return default;
    }
}

/// <summary>How a fake run goes.</summary>
internal sealed record FakeEnd(int ExitCode, params string[] Lines)
{
    public bool KilledByCap { get; init; }

    public bool TimedOut { get; init; }

    public IReadOnlyList<string>? ErrorLines { get; init; }

    public long? CgroupPeakBytes { get; init; }

    public long? AnonymousPeakBytes { get; init; }

    public MemoryTrace? Memory { get; init; }

    public long? EndTimestamp { get; init; }

    /// <summary>What a watch from outside saw, 2 ms before the end of a program that held so many MiB of two classes.</summary>
    public static MemoryTrace Seen(long anonymousMib, long shmemMib = 0, long readMib = 0)
    {
        var last = new MemoryClasses
        {
            AnonymousBytes = anonymousMib * ByteSize.MiB,
            ShmemBytes = shmemMib * ByteSize.MiB,
            PageCacheBytes = ByteSize.MiB,
            KernelBytes = ByteSize.MiB,
            ChargedBytes = (anonymousMib + shmemMib + 2) * ByteSize.MiB,
        };
        return new MemoryTrace
        {
            CgroupVersion = 2,
            Peaks = last,
            Last = last,
            SecondsBeforeEnd = 0.002,
            Grew = last.Since(new MemoryClasses { AnonymousBytes = 5 * ByteSize.MiB }),
            GrewSeconds = 0.1,
            Processes = [new ProcessShare(7, "python3", anonymousMib * ByteSize.MiB, ByteSize.MiB, shmemMib * ByteSize.MiB)],
            ReadBytes = readMib * ByteSize.MiB,
        };
    }

    /// <summary>A load that ends well with this peak, in phase read.</summary>
    public static FakeEnd Loaded(long peakAnonymousMib, long hostBytes = 0, long deviceBytes = 0, bool cold = true) => new(
        0,
        Line(new StartEvent("6.1", 2, 1L << 30, cold, 2 * ByteSize.MiB)),
        Line(new PhaseEvent("read", 0.1)),
        Sample(peakAnonymousMib, hostBytes, deviceBytes),
        Line(Report(peakAnonymousMib, hostBytes, deviceBytes, cold)),
        Line(new VerifiedEvent(413, 1000, "digests")));

    /// <summary>A load that ends well and whose uses of the weights read such shares of them.</summary>
    public static FakeEnd Used(long peakAnonymousMib, params double[] rereads) => Loaded(peakAnonymousMib) with
    {
        Lines = [.. rereads.Select(reread => Pass(reread)).Select(pass => Line(new PassEvent(pass))), .. Loaded(peakAnonymousMib).Lines],
    };

    /// <summary>A use that read such a share of <see cref="Report"/>'s weights.</summary>
    public static PassReport Pass(double reread, long weightBytes = 1000) => new(0.5, (long)Math.Round(weightBytes * reread), reread, 3, 7, null);

    /// <summary>A load that the cap ends in phase copy.</summary>
    public static FakeEnd Killed(long lastAnonymousMib) => new(
        137,
        Line(new StartEvent("6.1", 2, 1L << 30, true, 2 * ByteSize.MiB)),
        Line(new PhaseEvent("read", 0.1)),
        Sample(lastAnonymousMib / 2),
        Line(new HoldersEvent([new Holders("host", 800 << 20, [new HeldForUse("model", 800 << 20, 413)], [new HeldByTensor("model", "tok_emb.weight", 196 << 20)])])),
        Line(new PhaseEvent("copy", 0.2)),
        Sample(lastAnonymousMib))
    { KilledByCap = true };

    /// <summary>A load that fails in the worker's own words.</summary>
    public static FakeEnd Failed(int exitCode, string kind, string message) =>
        new(exitCode, Line(new PhaseEvent("open", 0)), Line(new FailedEvent(kind, message)));

    public static string Line(WorkerEvent e) => WorkerJson.Write(e);

    public static string Sample(long anonymousMib, long hostBytes = 0, long deviceBytes = 0) =>
        Line(new SampleEvent(0.1, anonymousMib * ByteSize.MiB, 0, 0, 0, hostBytes, deviceBytes));

    public static LoadReport Report(long peakAnonymousMib, long hostBytes = 0, long deviceBytes = 0, bool cold = true) => new()
    {
        Strategy = "mmap-assign",
        Engine = "native",
        Device = "cpu",
        Format = "pth",
        Seconds = 0.5,
        Tensors = 413,
        WeightBytes = 1000,
        Cold = cold,
        HostBytes = hostBytes,
        DeviceBytes = deviceBytes,
        MappedBytes = 1000,
        BaselineAnonymousBytes = 2 * ByteSize.MiB,
        PeakAnonymousBytes = peakAnonymousMib * ByteSize.MiB,
        PeakRssBytes = 200 * ByteSize.MiB,
        PeakCgroupBytes = (peakAnonymousMib + 1) * ByteSize.MiB,
        MajorFaults = 7,
        PeakPhase = "read",
    };
}
