using Loadline.Gauges;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// Reads a cgroup from outside while a program runs in it: the only gauge of a program that does not report itself. A peak that is shorter than
/// the pause between two readings can be missed; what survives under the cap cannot.
/// </summary>
internal sealed class CgroupWatch : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private readonly CgroupMemory _memory;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private long? _peakAnonymousBytes;
    private long? _peakBytes;

    private CgroupWatch(CgroupMemory memory)
    {
        _memory = memory;
        // Not from the pool: a busy harness would leave gaps between the readings.
        _thread = new Thread(Read) { IsBackground = true, Name = nameof(CgroupWatch) };
        _thread.Start();
    }

    /// <summary>Begins to read.</summary>
    /// <param name="version">1 or 2.</param>
    /// <param name="folder">The cgroup's directory.</param>
    /// <exception cref="GaugeException">It is not there, or already gone.</exception>
    public static CgroupWatch Start(int version, string folder) => new(CgroupMemory.OpenAt(version, folder));

    /// <summary>Ends the readings, which the cgroup's own end does too, and returns the highest.</summary>
    public CgroupPeaks Stop()
    {
        _stop.Set();
        _thread.Join();
        return new CgroupPeaks(_peakAnonymousBytes, _peakBytes);
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
                _peakAnonymousBytes = Math.Max(_peakAnonymousBytes ?? 0, now.AnonBytes + now.ShmemBytes);
                _peakBytes = _memory.ReadPeakBytes();
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
internal sealed record CgroupPeaks(long? AnonymousBytes, long? Bytes);
