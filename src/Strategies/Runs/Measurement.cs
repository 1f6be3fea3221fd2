using Loadline.Checkpoints;
using Loadline.Strategies.Engines;
using Loadline.Strategies.Gauges;

namespace Loadline.Strategies.Runs;

/// <summary>The gauges of one load, and what they come to.</summary>
internal sealed class Measurement : ILoadObserver, IDisposable
{
    private readonly NativeEngine _engine;
    private readonly Action<WorkerEvent> _tell;
    private readonly ProcessMemory _process = ProcessMemory.Open();
    private readonly CgroupMemory? _cgroup = CgroupMemory.TryOpen();
    private readonly Sampler _sampler;
    private readonly Lock _telling = new();
    private long? _cgroupPeakBefore;
    private long _majorFaultsBefore;
    private long _baselineAnonymousBytes;
    private string? _choice;

    public Measurement(NativeEngine engine, Action<WorkerEvent> tell)
    {
        (_engine, _tell) = (engine, tell);
        _sampler = new Sampler(_process, _cgroup, () => engine.Host.CurrentBytes, () => engine.Accelerator.CurrentBytes, OnSample);
        engine.Observer = this;
    }

    /// <summary>Reads the baseline and starts the clock.</summary>
    public void Begin(bool cold)
    {
        _majorFaultsBefore = _process.ReadMajorFaults();
        _cgroupPeakBefore = _cgroup?.ReadPeakBytes();
        var memory = _process.Read();
        _baselineAnonymousBytes = memory.AnonBytes + memory.ShmemBytes;
        Tell(new StartEvent(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), _cgroup?.Version, MemoryLimit.Effective(), cold, _baselineAnonymousBytes));
        _sampler.Start();
    }

    public void Phase(string name)
    {
        if (name == _sampler.Phase) return;
        _sampler.Phase = name;
        Tell(new PhaseEvent(name, _sampler.ElapsedSeconds));
    }

    public void Chose(string strategy) => _choice = strategy;

    public void BeforeRelease()
    {
        // The same count again may stand for more: memory counts from its allocation on, and for the kernel from its first touch.
        if (_engine.Host.IsAtPeak || _engine.Accelerator.IsAtPeak) _sampler.SampleNow();
    }

    /// <summary>What the load that has just ended came to.</summary>
    public LoadReport Report(Model model, Checkpoint checkpoint, LoadOptions options, bool cold)
    {
        var seconds = _sampler.ElapsedSeconds;
        _sampler.SampleNow();
        _sampler.Stop();
        var peakCgroup = _cgroup?.ReadPeakBytes();
        return new LoadReport
        {
            Strategy = options.Strategy,
            Engine = EngineNames.Native,
            Device = options.Device.ToString(),
            Format = checkpoint.Format.Name(),
            Seconds = seconds,
            Tensors = model.Count,
            WeightBytes = model.ByStorage().Sum(group => group.Key.Bytes),
            Cold = cold,
            HostBytes = _engine.Host.PeakBytes,
            DeviceBytes = _engine.Accelerator.PeakBytes,
            MappedBytes = model.ByStorage().Where(group => group.Key.IsMapped).Sum(group => group.Key.Bytes),
            BaselineAnonymousBytes = _baselineAnonymousBytes,
            PeakAnonymousBytes = _sampler.Peak.UnreclaimableBytes,
            PeakPhase = _sampler.PeakPhase,
            Choice = _choice,
            PeakRssBytes = _process.Read().PeakRssBytes,
            // A cgroup that was there before, as a shell's, may have seen higher peaks than this load's: then only the samples count.
            PeakCgroupBytes = peakCgroup is null || peakCgroup == _cgroupPeakBefore ? _sampler.PeakCgroupBytes : peakCgroup,
            MajorFaults = _process.ReadMajorFaults() - _majorFaultsBefore,
        };
    }

    public void Dispose()
    {
        _engine.Observer = ILoadObserver.None;
        _sampler.Dispose();
        _process.Dispose();
        _cgroup?.Dispose();
    }

    private void OnSample(MemorySample s) => Tell(new SampleEvent(
        s.TimestampSeconds, s.AnonBytes, s.FileBytes, s.ShmemBytes, s.CgroupBytes, s.HostBytes, s.DeviceBytes));

    // Phases are told by the load's thread, samples by the sampler's.
    private void Tell(WorkerEvent e)
    {
        lock (_telling) _tell(e);
    }
}
