using Loadline.Gauges;

namespace Loadline.Harness.Results;

/// <summary>What a worker says of the memory of its load: a peak is no less than what it began with, nor than a part of what it is of.</summary>
internal static class PeakContradictions
{
    /// <summary>Less than any worker's runtime takes, and more than kernels count late of a small process.</summary>
    private const long LeastOfDoubtBytes = 8 * ByteSize.MiB;

    /// <summary>The first of them, as in "held 2 GiB before the load, and 1 GiB at its peak"; null where there is none.</summary>
    /// <param name="anonymousBytes">Its peak of anonymous memory.</param>
    /// <param name="baselineBytes">What of it was there before the load.</param>
    /// <param name="cgroupBytes">The peak of its cgroup.</param>
    /// <param name="rssBytes">Its peak of resident memory; null of several processes, of which it is one's.</param>
    public static string? Of(long? anonymousBytes, long? baselineBytes, long? cgroupBytes, long? rssBytes)
    {
        if (anonymousBytes is not { } anonymous) return null;
        // What the runtime gave back in between is less.
        if (baselineBytes is { } baseline && baseline - anonymous > CgroupMemory.CountErrorBytes) return $"held {ByteSize.Format(baseline)} before the load, and {ByteSize.Format(anonymous)} at its peak";
        // Both count anonymous memory, too, if not at the same moment.
        return Array.Find([cgroupBytes, rssBytes], whole => whole < anonymous / 2 && anonymous - whole > LeastOfDoubtBytes) is { } low
            ? $"held {ByteSize.Format(anonymous)} of anonymous memory, and {ByteSize.Format(low)} in all"
            : null;
    }
}
