namespace Loadline.Gauges;

/// <summary>Makes a <see cref="MemoryTrace"/> of readings, in bounded memory.</summary>
/// <param name="version">The controller's.</param>
internal sealed class TraceBuilder(int version)
{
    private const double GrowthSeconds = 0.1;

    /// <summary>At 2 ms a reading these reach back further than is asked for.</summary>
    private const int Kept = 64;

    private readonly (double Seconds, MemoryClasses Classes)[] _recent = new (double, MemoryClasses)[Kept];
    private int _readings;
    private MemoryClasses? _peaks;
    private double? _endedSeconds;
    private long? _elsewhereBytes;
    private IReadOnlyList<ProcessShare> _processes = [];

    /// <summary>Takes a reading in.</summary>
    /// <param name="seconds">When it began.</param>
    /// <param name="classes">What it showed.</param>
    /// <param name="lives">Whether, after it, no process had been killed and one was left.</param>
    public void Add(double seconds, MemoryClasses classes, bool lives)
    {
        _peaks = _peaks is { } soFar ? soFar.Highest(classes) : classes;
        if (!lives && _readings > 0) _endedSeconds ??= seconds;
        // What comes after the first kill is what the kernel gave back.
        if (!lives || _endedSeconds is not null) return;
        _recent[_readings++ % Kept] = (seconds, classes);
    }

    /// <summary>Takes the processes in.</summary>
    /// <param name="processes">The largest of them.</param>
    /// <param name="seconds">When they began to be read.</param>
    public void Add(IReadOnlyList<ProcessShare> processes, double seconds)
    {
        if (_endedSeconds is not null || processes.Count == 0) return;
        _processes = processes;
        if (MostMappedSince(seconds) is not { } mapped) return;
        _elsewhereBytes = Math.Max(_elsewhereBytes ?? 0, processes.Max(p => p.FileBytes + p.ShmemBytes) - mapped);
    }

    /// <summary>What there is until now; null before the first reading of a process that lived.</summary>
    public MemoryTrace? Build()
    {
        if (_readings == 0 || _peaks is not { } peaks) return null;
        var (seconds, last) = At(_readings - 1);
        var first = _readings - 1;
        while (first > 0 && first > _readings - Kept && At(first).Seconds > seconds - GrowthSeconds) first--;
        return new MemoryTrace
        {
            CgroupVersion = version,
            Peaks = peaks,
            Last = last,
            SecondsBeforeEnd = _endedSeconds - seconds,
            Grew = last.Since(At(first).Classes),
            GrewSeconds = seconds - At(first).Seconds,
            Processes = _processes,
            ElsewhereBytes = _elsewhereBytes,
        };
    }

    // What a process let go while it was read was mapped at the reading before.
    private long? MostMappedSince(double seconds)
    {
        long? most = null;
        for (var i = _readings - 1; i >= 0 && i > _readings - Kept; i--)
        {
            var (read, classes) = At(i);
            if (classes.MappedFileBytes is { } mapped) most = Math.Max(most ?? 0, mapped);
            if (read < seconds) break;
        }

        return most;
    }

    private (double Seconds, MemoryClasses Classes) At(int reading) => _recent[reading % Kept];
}
