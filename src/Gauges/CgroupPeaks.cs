namespace Loadline.Gauges;

/// <summary>What was seen of a cgroup from outside.</summary>
/// <param name="AnonymousBytes">The highest anonymous and shared memory that was read, of all its processes together; null where it ended before the first reading.</param>
/// <param name="Bytes">The highest charge, page cache included; null before Linux 5.19, which does not record it in v2.</param>
internal sealed record CgroupPeaks(long? AnonymousBytes, long? Bytes)
{
    /// <summary>
    /// What the anonymous and shared memory cannot have exceeded until the last reading, by the kernel's own peak and its count of page faults, however
    /// short a peak was; null where the kernel keeps neither.
    /// </summary>
    public long? AnonymousBoundBytes { get; init; }

    /// <summary>Whether the last reading was of a cgroup that had no process left: nothing of its life is unseen.</summary>
    public bool IsFinal { get; init; }

    /// <summary>How many of its processes the kernel killed for memory until the last reading.</summary>
    public long OomKills { get; init; }

    /// <summary>Whether a cgroup whose charge was never higher cannot have met its cap: what was killed in it was killed by another's.</summary>
    /// <param name="peakBytes">The kernel's peak, read after the end; null where it keeps none.</param>
    /// <param name="capBytes">The hard limit.</param>
    public static bool AreFarFromCap(long? peakBytes, long capBytes) => peakBytes < capBytes / 2;

    /// <summary>What the anonymous and shared memory cannot have exceeded in all its life; null where nothing bounds it.</summary>
    /// <param name="capBytes">What the cgroup could have at most; null without a limit.</param>
    public long? AnonymousAtMostBytes(long? capBytes) =>
        IsFinal && AnonymousBoundBytes is { } bound ? Math.Min(bound, capBytes ?? long.MaxValue) : capBytes;
}
