namespace Loadline.Gauges;

/// <summary>
/// Reads a cgroup from outside while a program runs in it: the only gauge of a program that does not report itself. A peak that is shorter than
/// the pause between two readings can be missed; what survives under the cap cannot.
/// </summary>
public sealed class CgroupWatch : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private readonly CgroupMemory _memory;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Lock _gate = new();
    private readonly Thread _thread;
    private CgroupPeaks _peaks = new(null, null);

    private CgroupWatch(CgroupMemory memory)
    {
        _memory = memory;
        // Not from the pool: a busy process would leave gaps between the readings.
        _thread = new Thread(Read) { IsBackground = true, Name = nameof(CgroupWatch) };
        _thread.Start();
    }

    /// <summary>The highest until now.</summary>
    public CgroupPeaks Peaks
    {
        get
        {
            lock (_gate) return _peaks;
        }
    }

    /// <summary>Begins to read.</summary>
    /// <param name="version">1 or 2.</param>
    /// <param name="folder">The cgroup's directory.</param>
    /// <exception cref="GaugeException">It is not there, or already gone.</exception>
    public static CgroupWatch Start(int version, string folder) => new(CgroupMemory.OpenAt(version, folder));

    /// <summary>Begins to read.</summary>
    /// <param name="memory">The cgroup's gauge, which the watch takes over.</param>
    public static CgroupWatch Start(CgroupMemory memory) => new(memory);

    /// <summary>Ends the readings, which the cgroup's own end does too, and returns the highest.</summary>
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
        try
        {
            do
            {
                var now = _memory.ReadComposition();
                var anonymousBytes = Math.Max(Peaks.AnonymousBytes ?? 0, now.AnonBytes + now.ShmemBytes);
                var bytes = _memory.ReadPeakBytes();
                lock (_gate) _peaks = new CgroupPeaks(anonymousBytes, bytes);
            }
            while (!_stop.Wait(Pause));
        }
        catch (GaugeException)
        {
            // The last process has ended and a container engine removed the cgroup: what was read before stands.
        }
    }
}

/// <summary>What was seen of a cgroup from outside.</summary>
/// <param name="AnonymousBytes">The highest anonymous and shared memory, of all its processes together; null where it ended before the first reading.</param>
/// <param name="Bytes">The highest charge, page cache included; null before Linux 5.19, which does not record it in v2.</param>
public sealed record CgroupPeaks(long? AnonymousBytes, long? Bytes);
