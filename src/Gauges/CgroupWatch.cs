using System.Diagnostics;

namespace Loadline.Gauges;

/// <summary>
/// Reads a cgroup from outside while a program runs in it: the only gauge of a program that does not report itself. A peak that is shorter than
/// the pause between two readings is not read, but <see cref="CgroupPeaks.AnonymousBoundBytes"/> says how high it can have been.
/// </summary>
internal sealed class CgroupWatch : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <summary>What is not needed at each reading.</summary>
    private const int ReadingsPerLook = 5;

    private readonly CgroupMemory _memory;
    private readonly ProcessWatch _processes;
    private readonly TraceBuilder _trace;
    private readonly bool _reportsItself;
    private readonly Action<MemorySample>? _onReading;
    private readonly long _origin = Stopwatch.GetTimestamp();
    private readonly ManualResetEventSlim _stop = new();
    private readonly Lock _gate = new();
    private readonly PeakBound _bound = new();
    private readonly Thread _thread;
    private CgroupPeaks _peaks = new(null, null);
    private MemoryTrace? _seen;
    private long? _refaultedBytes;
    private double? _stalledSeconds;
    private long? _highEvents;
    private int _turns;
    private int _readings;
    private bool _hasLived;
    private IReadOnlyList<ProcessShare> _added = [];
    private long _lastBegan;

    private CgroupWatch(CgroupMemory memory, bool reportsItself, Action<MemorySample>? onReading)
    {
        (_memory, _reportsItself, _onReading) = (memory, reportsItself, onReading);
        _processes = new ProcessWatch(new GroupProcesses(memory.Folder), reportsItself ? 2 * Pause : Pause);
        _trace = new TraceBuilder(memory.Version);
        // Not from the pool: a busy process would leave gaps between the readings.
        _thread = new Thread(Read) { IsBackground = true, Name = nameof(CgroupWatch) };
        _thread.Start();
    }

    /// <summary>What was seen until now.</summary>
    public CgroupPeaks Peaks
    {
        get
        {
            lock (_gate) return _peaks;
        }
    }

    /// <summary>What was seen by class, once it stopped: what a kill met. Null where no process lived at any reading.</summary>
    public MemoryTrace? Trace
    {
        get
        {
            lock (_gate) return _seen;
        }
    }

    /// <summary>The cgroup's directory.</summary>
    public string Folder => _memory.Folder;

    /// <summary>Begins to read.</summary>
    /// <param name="version">1 or 2.</param>
    /// <param name="folder">The cgroup's directory.</param>
    /// <param name="onReading">Gets each reading, on the watch's own thread.</param>
    /// <exception cref="GaugeException">It is not there, or already gone.</exception>
    public static CgroupWatch Start(int version, string folder, Action<MemorySample>? onReading = null) => Start(CgroupMemory.OpenAt(version, folder), onReading: onReading);

    /// <summary>Begins to read.</summary>
    /// <param name="memory">The cgroup's gauge, which the watch takes over.</param>
    /// <param name="reportsItself">
    /// Whether the program tells its own memory: then of <see cref="CgroupPeaks"/> only <see cref="CgroupPeaks.OomKills"/> is read, the trace at half the pace.
    /// </param>
    /// <param name="onReading">Gets each reading, on the watch's own thread.</param>
    public static CgroupWatch Start(CgroupMemory memory, bool reportsItself = false, Action<MemorySample>? onReading = null) => new(memory, reportsItself, onReading);

    /// <summary>Takes a last reading, which the cgroup's own end prevents, and returns what was seen.</summary>
    public CgroupPeaks Stop()
    {
        _stop.Set();
        _thread.Join();
        return Peaks;
    }

    /// <summary>Ends the readings.</summary>
    public void Dispose()
    {
        _ = Stop();
        _stop.Dispose();
        _processes.Dispose();
        _memory.Dispose();
    }

    private void Read()
    {
        ForemostThread.Claim();
        try
        {
            var pace = new ReadingPace(Pause);
            TimeSpan took;
            do
            {
                var began = Stopwatch.GetTimestamp();
                ReadOnce(isLast: false);
                took = Stopwatch.GetElapsedTime(began);
            }
            while (!_stop.Wait(pace.RestAfter(took)));
            // What came after the last reading and before the end: the kernel's peak knows it, and a cgroup that outlives its program still tells it.
            ReadOnce(isLast: true);
        }
        catch (GaugeException)
        {
            // The last process has ended and a container engine removed the cgroup: what was read before stands.
        }

        _processes.Stop();
        lock (_gate)
        {
            _seen = _trace.Build() is not { } trace ? null
                : trace with { ReadBytes = _processes.Latest.ReadBytes, RefaultedBytes = _refaultedBytes, StalledSeconds = _stalledSeconds, HighEvents = _highEvents };
        }
    }

    private void ReadOnce(bool isLast)
    {
        // A load that tells its own memory is left more of the machine.
        if (_reportsItself && _turns++ % 2 == 1 && !isLast)
        {
            ReadKills();
            return;
        }

        var processes = _processes.Latest;
        // Before all else: what is read of a cgroup that is empty already is final.
        var isEmpty = _memory.IsEmpty();
        var began = Stopwatch.GetTimestamp();
        var now = _memory.Read();
        var took = Stopwatch.GetElapsedTime(_lastBegan == 0 ? _origin : _lastBegan);
        _lastBegan = began;
        _refaultedBytes = now.RefaultedBytes ?? _refaultedBytes;
        if (_readings++ % ReadingsPerLook == 0 || isLast) ReadRarely();
        // After all else: what was read while nobody had been killed yet is what the kill met.
        var kills = ReadKills();
        _trace.Add(SecondsAt(began), now.Classes, lives: kills == 0 && !isEmpty);
        if (kills == 0 && !ReferenceEquals(processes.Shares, _added)) _trace.Add(processes.Shares, SecondsAt(processes.LookBegan));
        _added = processes.Shares;
        if (!_reportsItself) Take(now, took, isEmpty);
    }

    private double SecondsAt(long timestamp) => Stopwatch.GetElapsedTime(_origin, timestamp).TotalSeconds;

    private void ReadRarely()
    {
        _stalledSeconds = _memory.ReadPressureSeconds() ?? _stalledSeconds;
        _highEvents = _memory.ReadHighEvents() ?? _highEvents;
    }

    private long ReadKills()
    {
        var kills = _memory.ReadOomKills();
        lock (_gate) _peaks = _peaks with { OomKills = kills };
        return kills;
    }

    private void Take(CgroupReading now, TimeSpan sinceLast, bool isEmpty)
    {
        _bound.Add(now, sinceLast);
        _onReading?.Invoke(new MemorySample(
            Stopwatch.GetElapsedTime(_origin).TotalSeconds, now.UnreclaimableBytes - now.ShmemBytes, 0, now.ShmemBytes, now.UnreclaimableBytes + now.CacheBytes, 0, 0));
        // It was empty before its first process, too.
        _hasLived |= !isEmpty || now.PeakBytes > 0;
        lock (_gate)
        {
            _peaks = _peaks with
            {
                AnonymousBytes = Math.Max(_peaks.AnonymousBytes ?? 0, now.UnreclaimableBytes),
                Bytes = now.PeakBytes,
                AnonymousBoundBytes = _bound.Bytes,
                IsFinal = isEmpty && _hasLived,
            };
        }
    }
}
