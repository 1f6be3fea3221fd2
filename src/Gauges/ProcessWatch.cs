using System.Diagnostics;

namespace Loadline.Gauges;

/// <summary>
/// Reads a cgroup's processes on a thread of its own. A reading of /proc/PID/io waits while that process begins another program and gives its old memory
/// back (<c>exec_update_lock</c>), half a second for one with millions of pages: the group's memory must be read meanwhile.
/// </summary>
internal sealed class ProcessWatch : IDisposable
{
    /// <summary>Who the processes are changes less often than what they have read.</summary>
    private const int ReadingsPerLook = 5;

    private const int LargestProcesses = 5;

    // Whoever holds a reading up for longer has had its figures.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly GroupProcesses _processes;
    private readonly ReadingPace _pace;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private volatile Reading _latest = new(0, [], null);

    /// <param name="processes">Whose; given back with this.</param>
    /// <param name="pause">The shortest pause between two readings.</param>
    public ProcessWatch(GroupProcesses processes, TimeSpan pause)
    {
        (_processes, _pace) = (processes, new ReadingPace(pause));
        _thread = new Thread(Read) { IsBackground = true, Name = nameof(ProcessWatch) };
        _thread.Start();
    }

    /// <summary>The last reading that is whole. A look makes a new list of shares.</summary>
    public Reading Latest => _latest;

    /// <summary>Takes a last reading, as far as processes are there.</summary>
    public void Stop()
    {
        _stop.Set();
        _ = _thread.Join(Patience);
    }

    /// <summary>Ends the readings.</summary>
    public void Dispose() => Stop();

    private void Read()
    {
        ForemostThread.Claim();
        // Here, because nobody else knows when a reading that is held up has ended.
        using var processes = _processes;
        TimeSpan took;
        var readings = 0;
        do
        {
            var began = Stopwatch.GetTimestamp();
            ReadOnce(looks: readings++ % ReadingsPerLook == 0 || !processes.Any);
            took = Stopwatch.GetElapsedTime(began);
        }
        while (!_stop.Wait(_pace.RestAfter(took)));
        ReadOnce(looks: false);
    }

    private void ReadOnce(bool looks)
    {
        var began = Stopwatch.GetTimestamp();
        if (looks) _processes.Look();
        _processes.ReadDisk();
        _latest = looks
            ? new Reading(began, _processes.Largest(LargestProcesses), _processes.ReadBytes)
            : _latest with { ReadBytes = _processes.ReadBytes };
    }

    /// <summary>What was read.</summary>
    /// <param name="LookBegan">When the shares began to be read, by <see cref="Stopwatch.GetTimestamp"/>.</param>
    /// <param name="Shares">The largest processes, the largest first.</param>
    /// <param name="ReadBytes">As <see cref="GroupProcesses.ReadBytes"/>.</param>
    public sealed record Reading(long LookBegan, IReadOnlyList<ProcessShare> Shares, long? ReadBytes);
}
