using System.Diagnostics;

namespace Loadline.Gauges;

/// <summary>
/// Reads a cgroup from outside while a program runs in it: the only gauge of a program that does not report itself. A peak that is shorter than
/// the pause between two readings is not read, but <see cref="CgroupPeaks.AnonymousBoundBytes"/> says how high it can have been.
/// </summary>
public sealed class CgroupWatch : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private readonly CgroupMemory _memory;
    private readonly bool _killsAlone;
    private readonly Action<MemorySample>? _onReading;
    private readonly long _origin = Stopwatch.GetTimestamp();
    private readonly ManualResetEventSlim _stop = new();
    private readonly Lock _gate = new();
    private readonly PeakBound _bound = new();
    private readonly Thread _thread;
    private CgroupPeaks _peaks = new(null, null);
    private bool _hasLived;

    private CgroupWatch(CgroupMemory memory, bool killsAlone, Action<MemorySample>? onReading)
    {
        (_memory, _killsAlone, _onReading) = (memory, killsAlone, onReading);
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
    /// <param name="killsAlone">Whether only <see cref="CgroupPeaks.OomKills"/> is read, for a program that reports its memory itself.</param>
    /// <param name="onReading">Gets each reading, on the watch's own thread.</param>
    public static CgroupWatch Start(CgroupMemory memory, bool killsAlone = false, Action<MemorySample>? onReading = null) => new(memory, killsAlone, onReading);

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
        _memory.Dispose();
    }

    private void Read()
    {
        ForemostThread.Claim();
        try
        {
            do ReadOnce();
            while (!_stop.Wait(Pause));
            // What came after the last reading and before the end: the kernel's peak knows it, and a cgroup that outlives its program still tells it.
            ReadOnce();
        }
        catch (GaugeException)
        {
            // The last process has ended and a container engine removed the cgroup: what was read before stands.
        }
    }

    private void ReadOnce()
    {
        // Before all else: what is read of a cgroup that is empty already is final.
        var isEmpty = !_killsAlone && _memory.IsEmpty();
        var kills = _memory.ReadOomKills();
        if (_killsAlone)
        {
            lock (_gate) _peaks = _peaks with { OomKills = kills };
            return;
        }

        var now = _memory.Read();
        _bound.Add(now);
        _onReading?.Invoke(new MemorySample(
            Stopwatch.GetElapsedTime(_origin).TotalSeconds, now.UnreclaimableBytes - now.ShmemBytes, 0, now.ShmemBytes, now.UnreclaimableBytes + now.CacheBytes, 0, 0));
        // It was empty before its first process, too.
        _hasLived |= !isEmpty || now.PeakBytes > 0;
        lock (_gate)
        {
            _peaks = new CgroupPeaks(Math.Max(_peaks.AnonymousBytes ?? 0, now.UnreclaimableBytes), now.PeakBytes)
            {
                AnonymousBoundBytes = _bound.Bytes,
                IsFinal = isEmpty && _hasLived,
                OomKills = kills,
            };
        }
    }
}
