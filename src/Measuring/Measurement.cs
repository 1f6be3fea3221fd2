using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Measuring;

/// <summary>The gauges of one load, and what they come to. Where several processes load together, the kernel's are those of their cgroup.</summary>
internal sealed class Measurement : ILoadObserver, IDisposable
{
    /// <summary>A file may give a tensor a name of any length.</summary>
    private const int MostNameChars = 256;
    private const long MaxMapBytes = 512 * ByteSize.KiB;

    private readonly Engine _engine;
    private readonly Action<WorkerEvent> _tell;
    private readonly ProcessMemory _process = ProcessMemory.Open();
    private readonly CgroupMemory? _cgroup;
    private readonly int _processes;
    private readonly Sampler _sampler;
    private readonly HolderLedger _holders;
    private readonly DriverGauge _driver;
    private readonly Lock _telling = new();
    private readonly HashSet<string> _touched = [];
    private long? _cgroupPeakBefore;
    private long _majorFaultsBefore;
    private long _baselineAnonymousBytes;
    private double _seconds;
    private bool _ended;
    private volatile string? _tensor;
    private string? _toldTensor;
    private string? _toldPhase;
    private string? _choice;

    public Measurement(Engine engine, Action<WorkerEvent> tell, TimeSpan? interval = null, int processes = 1)
    {
        (_engine, _tell, _processes) = (engine, tell, processes);
        _cgroup = processes > 1 ? CgroupMemory.Open() : CgroupMemory.TryOpen();
        _holders = new HolderLedger(engine);
        _driver = new DriverGauge(engine);
        _sampler = new Sampler(_process, _cgroup, () => engine.Host.CurrentBytes, () => engine.Accelerator.CurrentBytes, OnSample, interval, processes > 1);
        engine.Observer = this;
    }

    /// <summary>Reads the baseline and starts the clock.</summary>
    public void Begin(bool cold)
    {
        _majorFaultsBefore = _process.ReadMajorFaults();
        _cgroupPeakBefore = _cgroup?.ReadPeakBytes();
        _driver.Begin();
        _baselineAnonymousBytes = _sampler.ReadUnreclaimableBytes();
        Tell(new StartEvent(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), _cgroup?.Version, MemoryLimit.Effective(), cold, _baselineAnonymousBytes, _engine.Description)
        {
            Cores = Environment.ProcessorCount,
            RamBytes = MemoryLimit.PhysicalBytes(),
        });
        // The first sample compiles what all others run through: that memory is there from the start, however many follow.
        _sampler.SampleNow();
        _sampler.Start();
    }

    public void Phase(string name)
    {
        if (name == _sampler.Phase) return;
        _tensor = null;
        _sampler.Phase = name;
        Tell(new PhaseEvent(name, _sampler.ElapsedSeconds));
    }

    // Kept, and told with the next sample: what touches memory must not wait for a pipe. Only the first of each phase is told at once, because it may be the
    // last; strategies that go from phase to phase with each tensor have few names for them.
    public void Touches(string tensor)
    {
        _tensor = tensor;
        if (_ended) return;
        lock (_touched)
        {
            if (!_touched.Add(_sampler.Phase)) return;
        }

        _sampler.SampleNow();
    }

    public void Allocated(Storage storage) => _holders.Add(storage);

    public void Chose(string strategy) => _choice = strategy;

    public void BeforeRelease(Storage storage)
    {
        // What is freed after the load, from a model that was verified and is given back, is no part of it.
        if (_ended) return;
        // An empty one leaves every count as it was, and a file may have any number of them.
        if (storage.Bytes == 0)
        {
            _holders.Remove(storage);
            return;
        }

        // The same count again may stand for more: memory counts from its allocation on, and for the kernel from its first touch.
        if (_engine.Host.IsAtPeak || _engine.Accelerator.IsAtPeak) _sampler.SampleNow();
        if (_engine.Accelerator.IsAtPeak) _driver.Note();
        _holders.NotePeaks();
        _holders.Remove(storage);
    }

    /// <summary>Tells who held the memory at the peak of a load that failed and has freed everything since.</summary>
    public void TellHolders() => Tell(new HoldersEvent(_holders.AtPeak()));

    /// <summary>The last weight is in place; what is still to come is measured, but is no part of the load's time.</summary>
    public void Loaded() => _seconds = _sampler.ElapsedSeconds;

    /// <summary>One use of the weights, as a part of what is measured.</summary>
    public PassReport Pass(long weightBytes, Action use)
    {
        Phase("use");
        var before = PassReading.Take(_sampler.ElapsedSeconds, _process, _cgroup);
        use();
        var pass = PassReading.Take(_sampler.ElapsedSeconds, _process, _cgroup).Since(before, weightBytes);
        Tell(new PassEvent(pass));
        return pass;
    }

    /// <summary>What the load that has just ended came to.</summary>
    /// <param name="model">What was loaded.</param>
    /// <param name="checkpoint">From what.</param>
    /// <param name="options">How.</param>
    /// <param name="cold">Whether no page of it was in the page cache.</param>
    /// <param name="others">What the loads of other processes in the cgroup came to.</param>
    public LoadReport Report(Model model, Checkpoint checkpoint, LoadOptions options, bool cold, IReadOnlyList<LoadReport>? others = null)
    {
        _sampler.SampleNow();
        _sampler.Stop();
        _holders.NotePeaks();
        _driver.Note();
        _ended = true;
        var peakCgroup = _cgroup?.ReadPeakBytes();
        others ??= [];
        return new LoadReport
        {
            Processes = _processes,
            Strategy = options.Strategy,
            Engine = _engine.Name,
            Device = options.Devices.ToString(),
            Format = checkpoint.Format.Name(),
            DType = options.DType?.In(checkpoint).ToString(),
            Seconds = _seconds,
            Tensors = model.Count,
            WeightBytes = model.ByStorage().Sum(group => group.Key.Bytes),
            Cold = cold,
            DirectBytes = checkpoint.DirectBytes + others.Sum(r => r.DirectBytes),
            HostBytes = _engine.Host.PeakBytes + others.Sum(r => r.HostBytes),
            DeviceBytes = _engine.Accelerator.PeakBytes + others.Sum(r => r.DeviceBytes),
            DriverDeviceBytes = _driver.PeakBytes,
            DriverBaselineBytes = _driver.BaselineBytes,
            MappedBytes = model.ByStorage().Where(group => group.Key.IsMapped).Sum(group => group.Key.Bytes),
            BaselineAnonymousBytes = _baselineAnonymousBytes,
            PeakAnonymousBytes = _sampler.Peak.UnreclaimableBytes,
            PeakPhase = _sampler.PeakPhase,
            Choice = _choice,
            DeviceMap = Told(model.DeviceMap?.Map.Names),
            Devices = model.DeviceMap?.Uses.Select(use => new DevicePeak(use.Device.NameInList, use.LimitBytes, PeakOf(use))).ToList(),
            PeakRssBytes = _process.Read().PeakRssBytes,
            // A cgroup that was there before, as a shell's, may have seen higher peaks than this load's: then only the samples count.
            PeakCgroupBytes = peakCgroup is null || peakCgroup == _cgroupPeakBefore ? _sampler.PeakCgroupBytes : peakCgroup,
            MajorFaults = _process.ReadMajorFaults() - _majorFaultsBefore + others.Sum(r => r.MajorFaults),
            Holders = _holders.AtPeak(),
        };
    }

    // A report is one line, which ends at a MiB, and a character may take six bytes of it.
    private static IReadOnlyDictionary<string, string>? Told(IReadOnlyDictionary<string, string>? map) =>
        map?.Sum(prefix => 6L * prefix.Key.Length + 32) > MaxMapBytes ? null : map;

    public void Dispose()
    {
        _engine.Observer = ILoadObserver.None;
        _sampler.Dispose();
        _process.Dispose();
        _cgroup?.Dispose();
    }

    private long PeakOf(DeviceUse use) => use.Device switch
    {
        { IsAccelerator: true } => _engine.CounterOf(use.Device).PeakBytes,
        { Kind: DeviceKind.Cpu } => _engine.Host.PeakBytes,
        _ => use.WeightBytes,
    };

    private void OnSample(MemorySample s)
    {
        Tell(new SampleEvent(s.TimestampSeconds, s.AnonBytes, s.FileBytes, s.ShmemBytes, s.CgroupBytes, s.HostBytes, s.DeviceBytes) { Tensor = NewTensor() });
        // A worker that the cap kills cannot say who held the memory: it has to have said so before.
        if (_holders.HasGrown()) Tell(new HoldersEvent(_holders.Now()));
    }

    // Samples come one at a time. Whoever reads them forgets the tensor with its phase: the same one is told again in the next.
    private string? NewTensor()
    {
        var (tensor, phase) = (_tensor, _sampler.Phase);
        if (ReferenceEquals(tensor, _toldTensor) && phase == _toldPhase) return null;
        (_toldTensor, _toldPhase) = (tensor, phase);
        return tensor is { Length: > MostNameChars } ? tensor[..MostNameChars] : tensor;
    }

    // Phases are told by the load's thread, samples by the sampler's.
    private void Tell(WorkerEvent e)
    {
        lock (_telling) _tell(e);
    }
}
