using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Loadline.Gauges;

/// <summary>
/// Reads all gauges every few milliseconds on a thread of its own, and at once when asked, and hands each sample to a sink, one at a time
/// and in order of time. It keeps no samples, only the highest, and allocates nothing for one.
/// </summary>
/// <remarks>
/// Neither source is enough alone. The clock misses a peak between two ticks, so an engine calls <see cref="SampleNow"/> when its count
/// reaches a new high, before it releases anything; and what no engine counts shows on the clock only.
/// The callbacks and the sink run under the sampler's lock: they must not wait for a thread that may be inside <see cref="SampleNow"/>.
/// </remarks>
internal sealed class Sampler : IDisposable
{
    /// <summary>How often samples are taken unless told otherwise.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromMilliseconds(5);

    // Deep enough for the gauges and a sink that writes a line. A default stack has 8 MiB, of which a huge page may take 2 at the first touch.
    private const int StackBytes = 256 * 1024;

    private readonly ProcessMemory _process;
    private readonly CgroupMemory? _cgroup;
    private readonly Func<long> _hostBytes;
    private readonly Func<long> _deviceBytes;
    private readonly Action<MemorySample> _sink;
    private readonly TimeSpan _interval;
    private readonly bool _wholeCgroup;
    private readonly Lock _gate = new();
    private readonly ManualResetEvent _stopping = new(initialState: false);
    private long? _origin;
    private Thread? _thread;
    private ExceptionDispatchInfo? _failure;
    private MemorySample _peak;
    private long? _peakCgroupBytes;
    private string _peakPhase = "";
    private string _phase = "";

    /// <summary>Takes no sample yet. The gauges stay the caller's to dispose, after the sampler.</summary>
    /// <param name="process">The process to watch.</param>
    /// <param name="cgroup">Its cgroup, if there is one.</param>
    /// <param name="hostBytes">The engine's current count of host memory.</param>
    /// <param name="deviceBytes">The engine's current count of accelerator memory.</param>
    /// <param name="sink">Gets every sample.</param>
    /// <param name="interval">Between samples; null for <see cref="DefaultInterval"/>.</param>
    /// <param name="wholeCgroup">Whether memory is that of all processes of the cgroup, which must be there; file memory is its page cache then.</param>
    public Sampler(
        ProcessMemory process,
        CgroupMemory? cgroup,
        Func<long> hostBytes,
        Func<long> deviceBytes,
        Action<MemorySample> sink,
        TimeSpan? interval = null,
        bool wholeCgroup = false)
    {
        if (wholeCgroup) ArgumentNullException.ThrowIfNull(cgroup);
        _wholeCgroup = wholeCgroup;
        _interval = interval ?? DefaultInterval;
        ArgumentOutOfRangeException.ThrowIfLessThan(_interval, TimeSpan.FromMilliseconds(1), nameof(interval));
        (_process, _cgroup, _hostBytes, _deviceBytes, _sink) = (process, cgroup, hostBytes, deviceBytes, sink);
    }

    /// <summary>The clock of the samples' timestamps, for other events on the same time line; 0 until <see cref="Start"/>.</summary>
    public double ElapsedSeconds => _origin is { } origin ? Stopwatch.GetElapsedTime(origin).TotalSeconds : 0;

    /// <summary>What the load is doing now: open, skeleton, read, copy, assign or verify. Set by the load.</summary>
    public string Phase
    {
        get => _phase;
        set
        {
            // Under the lock, or a reading taken before would be booked on the new phase.
            lock (_gate) _phase = value;
        }
    }

    /// <summary>The sample with the highest <see cref="MemorySample.UnreclaimableBytes"/> so far, the first of equals.</summary>
    public MemorySample Peak
    {
        get
        {
            lock (_gate) return _peak;
        }
    }

    /// <summary>The phase in which <see cref="Peak"/> was seen.</summary>
    public string PeakPhase => _peakPhase;

    /// <summary>
    /// The highest usage of the cgroup in any sample: stands in where <see cref="CgroupMemory.ReadPeakBytes"/> has none. Null without a cgroup.
    /// </summary>
    public long? PeakCgroupBytes
    {
        get
        {
            lock (_gate) return _peakCgroupBytes;
        }
    }

    /// <summary>Starts the clock, and begins to sample on it.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public void Start()
    {
        if (_thread is not null) throw new InvalidOperationException("the sampler was started before; make another for another load");
        _thread = new Thread(SampleOnTheClock, StackBytes) { IsBackground = true, Name = "gauges" };
        _origin = Stopwatch.GetTimestamp();
        _thread.Start();
    }

    /// <summary>Takes a sample at once, on the calling thread.</summary>
    /// <exception cref="GaugeException">A gauge cannot be read.</exception>
    public void SampleNow()
    {
        lock (_gate)
        {
            var ((anon, file, shmem), cgroupBytes) = (ReadMemory(), _cgroup?.ReadUsageBytes());
            var sample = new MemorySample(ElapsedSeconds, anon, file, shmem, cgroupBytes, _hostBytes(), _deviceBytes());
            if (sample.UnreclaimableBytes > _peak.UnreclaimableBytes) (_peak, _peakPhase) = (sample, _phase);
            if (_peakCgroupBytes is null || sample.CgroupBytes > _peakCgroupBytes) _peakCgroupBytes = sample.CgroupBytes;
            _sink(sample);
        }
    }

    /// <summary>Reads what no kernel can reclaim, without a sample.</summary>
    /// <exception cref="GaugeException">A gauge cannot be read.</exception>
    public long ReadUnreclaimableBytes()
    {
        var (anon, _, shmem) = ReadMemory();
        return anon + shmem;
    }

    /// <summary>Ends the samples on the clock; <see cref="SampleNow"/> goes on working.</summary>
    /// <exception cref="GaugeException">A gauge failed on the clock, and the samples ended there; likewise what the sink threw.</exception>
    public void Stop()
    {
        EndThread();
        _failure?.Throw();
    }

    /// <summary>Ends the samples without a word about failures.</summary>
    public void Dispose()
    {
        EndThread();
        _stopping.Dispose();
    }

    private (long Anon, long File, long Shmem) ReadMemory()
    {
        if (_wholeCgroup)
        {
            var cgroup = _cgroup!.ReadComposition();
            // The kernel's counters are not of one moment.
            return (cgroup.AnonBytes, Math.Max(0, cgroup.FileBytes - cgroup.ShmemBytes), cgroup.ShmemBytes);
        }

        var process = _process.Read();
        return (process.AnonBytes, process.FileBytes, process.ShmemBytes);
    }

    private void SampleOnTheClock()
    {
        try
        {
            while (!_stopping.WaitOne(_interval)) SampleNow();
        }
        catch (Exception e)
        {
            // On this thread it would end the process; the load hears of it at Stop.
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private void EndThread()
    {
        if (_thread is null) return;
        if (_thread.IsAlive) _stopping.Set();
        _thread.Join();
    }
}
