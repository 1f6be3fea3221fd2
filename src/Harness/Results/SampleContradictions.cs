using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>What a case's samples, holders, passes and memory by class say against its figures or its cap, which are made of the same readings.</summary>
internal static class SampleContradictions
{
    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? In(CaseResult result) => OfTimeline(result) ?? OfMemory(result) ?? OfHolders(result) ?? OfPasses(result);

    // Made of the same samples: the highest of them is the peak, whatever phase it was in.
    private static string? OfTimeline(CaseResult result)
    {
        foreach (var phase in result.Phases ?? [])
        {
            var name = $"in phase {NameList.Shortened(phase.Phase)}";
            var above = Above(result.PeakAnonymousBytes, phase.PeakAnonymousBytes, "anonymous memory", name)
                ?? Above(result.HostBytes, phase.PeakHostBytes, "host memory", name) ?? Above(result.DeviceBytes, phase.PeakDeviceBytes, "device memory", name);
            if (above is not null) return above;
        }

        if (result.Timeline is not { } timeline) return null;
        if (result.Outcome.Lives() && timeline.Milliseconds is [.., var end] && (end / 1000.0) - CaseContradictions.SecondsOff > result.WallSeconds)
            return $"took {result.WallSeconds} seconds, and has a timeline of {end / 1000}";
        // Each point keeps both of one moment, and their sum is what a peak is of.
        var held = Highest(timeline.AnonBytes, timeline.ShmemBytes);
        return Above(result.PeakAnonymousBytes, held, "anonymous memory", "in its timeline")
            ?? Above(result.DeviceBytes, Highest(timeline.DeviceBytes), "device memory", "in its timeline")
            ?? AboveCap(new[] { held, Highest(timeline.CgroupBytes) }.Max(), "memory in its timeline", result);
    }

    private static long? Highest(IReadOnlyList<long> column, IReadOnlyList<long>? added)
    {
        if (added is null) return Highest(column);
        long? highest = null;
        for (var i = 0; i < column.Count; i++) highest = Math.Max(highest ?? 0, column[i] + added[i]);
        return highest;
    }

    private static string? OfMemory(CaseResult result)
    {
        if (result.Memory is not { } memory) return null;
        if (memory.CgroupVersion is not (1 or 2)) return $"has counters of version {memory.CgroupVersion} of cgroups";
        var all = new[] { memory.Peaks, memory.Last };
        // What is watched from outside has its peak of these very readings.
        if (result.PeakAnonymousAtMostBytes is { } bound && Above(bound, all.Max(m => Math.Max(m.AnonymousBytes, m.ShmemBytes)), "anonymous memory", "by the counters of its cgroup") is { } above)
            return above;
        // Of one moment both count. When the cap was met the kernel's counters may be ahead of each other.
        var together = memory.Last.AnonymousBytes + memory.Last.ShmemBytes;
        // So is the peak itself, of a command; a worker tells its own, of its load alone.
        var highest = Math.Max(together, Math.Max(memory.Peaks.AnonymousBytes, memory.Peaks.ShmemBytes));
        if (result.Command is { Count: > 0 } && result.Outcome != Outcome.Killed && Above(result.PeakAnonymousBytes, highest, "anonymous memory", "by the counters of its cgroup") is { } higher)
            return higher;
        if (result.PeakAnonymousAtMostBytes is { } most && result.Outcome != Outcome.Killed && Above(most, together, "anonymous memory", "by the counters of its cgroup") is { } more) return more;
        // What one process maps may be more than its cgroup is charged with: pages that the kernel has merged count each time.
        if (AboveCap(all.Max(m => Held(m).Max()), "memory by the counters of its cgroup", result) is { } excess) return excess;
        // Each class at its highest, of all readings.
        return Array.Find(Held(memory.Last).Zip(Held(memory.Peaks)).ToArray(), c => c.First > c.Second) is (var last, var peak) && last > peak
            ? $"held {ByteSize.Format(last.Value)} by the last reading of its cgroup, and {ByteSize.Format(peak!.Value)} at the peak"
            : null;
    }

    private static long?[] Held(MemoryClasses classes) => [classes.AnonymousBytes, classes.ShmemBytes, classes.ChargedBytes, classes.PageCacheBytes, classes.KernelBytes];

    private static string? OfHolders(CaseResult result)
    {
        foreach (var held in result.Holders ?? [])
        {
            var memory = $"{NameList.Shortened(held.Memory)} memory";
            // All storages, by what they are for, and the largest of them.
            if (held.Uses.Sum(use => (double)use.Bytes) > held.Bytes || held.Largest.Sum(tensor => (double)tensor.Bytes) > held.Bytes)
                return $"held {ByteSize.Format(held.Bytes)} of {memory}, and more by what it was held for";
            // One that was killed has told of no peak of the engine's.
            if (result.Outcome.Lives() && Above(held.Memory == "host" ? result.HostBytes : result.DeviceBytes, held.Bytes, memory, "by who held it") is { } above) return above;
        }

        return null;
    }

    private static string? OfPasses(CaseResult result)
    {
        if (result.Tensors == 0 && result.WeightBytes > 0) return $"has no tensor, and {result.WeightBytes} bytes of weights";
        var passes = result.Passes ?? [];
        // Who was killed in a pass has told of it, and of its weights not yet.
        foreach (var pass in passes.Where(pass => result.WeightBytes is { } weights && IsOff(pass, weights)))
            return $"read {ByteSize.Format(pass.ReadBytes!.Value)} in a pass over {ByteSize.Format(result.WeightBytes!.Value)} of weights, and {Rereads.Text(pass.Reread)} of them";
        if (passes.FirstOrDefault(pass => pass.ReadBytes is null && pass.Reread is not null) is { } unread)
            return $"read {Rereads.Text(unread.Reread)} of its weights again in a pass, and has no reading of what it read";
        // The kernel counts what a process reads, or does not.
        return passes.Select(pass => pass.Reread is null).Distinct().Count() > 1 ? "tells of some of its passes what they read again, and not of others" : null;
    }

    // What a pass read of its weights is what it read over what they have, told to four decimal places; of none it is nothing.
    private static bool IsOff(PassReport pass, long weightBytes) => pass.ReadBytes is { } read
        && (weightBytes == 0 ? pass.Reread is not (null or 0) : pass.Reread is not { } reread || Math.Abs(reread - (double)read / weightBytes) > 1e-4 * Math.Max(1, reread));

    private static string? Above(long? peak, long? bytes, string what, string where) =>
        bytes > peak ? $"held {ByteSize.Format(peak.Value)} of {what}, and {ByteSize.Format(bytes.Value)} {where}" : null;

    private static string? AboveCap(long? bytes, string what, CaseResult result) =>
        CaseContradictions.IsAboveCap(bytes, result.CapBytes) ? $"held {ByteSize.Format(bytes!.Value)} of {what} under a cap of {result.Cap}" : null;

    private static long? Highest(IReadOnlyList<long>? column) => column is { Count: > 0 } ? column.Max() : null;
}
