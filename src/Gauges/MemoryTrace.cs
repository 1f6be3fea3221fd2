using System.Text.Json.Serialization;

namespace Loadline.Gauges;

/// <summary>What a watch from outside remembers of a cgroup's memory: enough to say what a cap met, when nobody inside can any more.</summary>
public sealed record MemoryTrace
{
    /// <summary>1 or 2: the version of the controller whose counters these are.</summary>
    public required int CgroupVersion { get; init; }

    /// <summary>Each class at its own highest reading; they need not have been at the same moment.</summary>
    public required MemoryClasses Peaks { get; init; }

    /// <summary>The last reading that was whole before the kernel first killed a process for memory, or, where it did not, before the last process ended.</summary>
    public required MemoryClasses Last { get; init; }

    /// <summary>How long before the reading that first saw the end the last one was; null where the cgroup was gone by then.</summary>
    public double? SecondsBeforeEnd { get; init; }

    /// <summary>What each class grew by until <see cref="Last"/>, over <see cref="GrewSeconds"/>.</summary>
    public required MemoryClasses Grew { get; init; }

    /// <summary>About 0.1, or less where the program was not that old.</summary>
    public required double GrewSeconds { get; init; }

    /// <summary>The largest processes at <see cref="Last"/>, the largest first; none where they cannot be seen, as those of an engine in another PID namespace.</summary>
    public IReadOnlyList<ProcessShare> Processes { get => field ?? []; init; } = [];

    /// <summary>
    /// The most that one process had mapped beyond what the cgroup was charged with for mapped pages: pages of files and of shared memory that another cgroup
    /// pays for, because it touched them first. Null where that cannot be seen.
    /// </summary>
    public long? ElsewhereBytes { get; init; }

    /// <summary>
    /// Bytes that its processes made the kernel fetch from the disk, by read_bytes of /proc/PID/io; null where that cannot be read. What a process read in
    /// its last two milliseconds may be missing.
    /// </summary>
    public long? ReadBytes { get; init; }

    /// <summary>Bytes of pages that were dropped from the page cache and had to be read again; null where the kernel does not count them.</summary>
    public long? RefaultedBytes { get; init; }

    /// <summary>
    /// How often a process went over memory.high and was slowed down, by <c>high</c> of memory.events; null in version 1. Without a limit there it is 0.
    /// </summary>
    public long? HighEvents { get; init; }

    /// <summary>How long some process waited for memory, by memory.pressure; null in version 1 and without PSI.</summary>
    public double? StalledSeconds { get; init; }
}

/// <summary>A process and what it holds.</summary>
/// <param name="Id">As this process sees it.</param>
/// <param name="Name">The kernel's short name of it.</param>
/// <param name="AnonymousBytes">RssAnon.</param>
/// <param name="FileBytes">RssFile: mapped pages of files.</param>
/// <param name="ShmemBytes">RssShmem.</param>
public sealed record ProcessShare(int Id, string Name, long AnonymousBytes, long FileBytes, long ShmemBytes)
{
    /// <summary>All three.</summary>
    [JsonIgnore]
    public long Bytes => AnonymousBytes + FileBytes + ShmemBytes;
}
