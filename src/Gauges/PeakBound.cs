namespace Loadline.Gauges;

/// <summary>
/// How high a cgroup's anonymous and shared memory can have been between readings, by what the kernel keeps: an upper bound that holds however
/// short a peak was, but for one of files in memory, and of what <c>userfaultfd</c> fills, of which the kernel counts no fault (userfaultfd(2)).
/// </summary>
/// <remarks>
/// Between two readings memory cannot have exceeded the highest charge until the second less the page cache that was there all along; nor what was
/// there at the first and what page faults have brought since. The lower of both counts: the charge is loose while a file is read, the faults are
/// while memory is taken and given back. The cgroup began with nothing, so the first reading bounds what was before it.
/// What no process has mapped any more, and is charged still (in a pipe, by <c>vmsplice</c>), is held as well, and no count of anonymous memory tells of it.
/// That page cache was there all along nobody knows who reads twice: a program may let it go and read it again. That takes time, and so it counts as far as
/// there was none: where readings lie far apart, for whatever reason, the charge alone is left of the first bound.
/// </remarks>
internal sealed class PeakBound
{
    // What two or three cores do that let go, fill, let go and fill again.
    private const long RefilledBytesPerSecond = 8 * ByteSize.GiB;

    // Processors that charge at the same time may overwrite each other's peak, each by a batch of 64 pages.
    private const long CountedTogetherBytes = 4 * ByteSize.MiB;

    // What is counted in batches of 64 pages a processor, both what is charged and what it consists of; and what comes between the readings of the two.
    private static readonly long UncountedBytes = 2L * 64 * Environment.SystemPageSize * Environment.ProcessorCount + ByteSize.MiB;

    // A collection of garbage in this process, or a busy machine, makes gaps of tens of milliseconds, and no program that is honest should be in doubt for them.
    private static readonly TimeSpan UsualGap = TimeSpan.FromMilliseconds(100);

    private CgroupReading _last;
    private long? _bytes = 0;

    /// <summary>The bound on all that was until the last reading; null where the kernel keeps nothing to compute one from.</summary>
    public long? Bytes => _bytes;

    /// <summary>Takes the next reading in.</summary>
    /// <param name="now">The reading.</param>
    /// <param name="sinceLast">From the beginning of the last one to the end of this.</param>
    public void Add(CgroupReading now, TimeSpan sinceLast)
    {
        var refilled = sinceLast > UsualGap ? (long)((sinceLast - UsualGap).TotalSeconds * RefilledBytesPerSecond) : 0;
        var byCharge = now.PeakBytes - Math.Max(0, Math.Min(_last.CacheBytes, now.CacheBytes) - refilled);
        var parked = Math.Max(0, (_last.ParkedBytes ?? 0) - UncountedBytes);
        // Writing to a file in memory brings pages without a fault.
        var byFaults = _last.UnreclaimableBytes + parked + (now.FaultedBytes - (_last.FaultedBytes ?? 0)) + Math.Max(0, now.ShmemBytes - _last.ShmemBytes);
        var between = byCharge is { } charge && byFaults is { } faulted ? Math.Min(charge, faulted) : byCharge ?? byFaults;
        // The kernel's peak falls by no more than a batch of its counting but where somebody sets it back (root may, in version 1): then nothing tells what was before.
        if (now.PeakBytes < _last.PeakBytes - CountedTogetherBytes) between = null;
        _bytes = _bytes is { } soFar && between is { } bound ? Math.Max(Math.Max(soFar, bound), now.UnreclaimableBytes) : null;
        _last = now;
    }
}
