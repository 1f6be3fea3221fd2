using Loadline.Harness.Budgets;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>What a case's samples, holders, passes and memory by class say against its figures or its cap, which are made of the same readings.</summary>
internal static class SampleContradictions
{
    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? In(CaseResult result) => OfTimeline(result) ?? OfMemory(result) ?? OfHolders(result) ?? OfPasses(result);

    private static string? OfTimeline(CaseResult result)
    {
        if (result.Timeline is not { } timeline) return null;
        var (anonymous, charged) = (Highest(timeline.AnonBytes), Highest(timeline.CgroupBytes));
        if (anonymous > result.PeakAnonymousBytes)
            return $"held {ByteSize.Format(result.PeakAnonymousBytes.Value)} of anonymous memory, and {ByteSize.Format(anonymous.Value)} in its timeline";
        long?[] held = [anonymous, Highest(timeline.ShmemBytes), charged];
        return AboveCap(held.Max(), "memory in its timeline", result);
    }

    private static string? OfMemory(CaseResult result)
    {
        if (result.Memory is not { } memory) return null;
        // What one process maps may be more than its cgroup is charged with: pages that the kernel has merged count each time.
        var held = new[] { memory.Peaks, memory.Last }.SelectMany(m => new long?[] { m.AnonymousBytes, m.ShmemBytes, m.ChargedBytes }).ToList();
        return held.Concat(memory.Processes.Select(process => (long?)process.AnonymousBytes)).Min() is < 0 and var below ? $"held {below} bytes by the counters of its cgroup" : AboveCap(held.Max(), "memory by the counters of its cgroup", result);
    }

    // One that was killed has told of no peak of the engine's.
    private static string? OfHolders(CaseResult result)
    {
        foreach (var held in result.Holders ?? [])
        {
            if (result.Outcome.Lives() && (held.Memory == "host" ? result.HostBytes : result.DeviceBytes) is { } peak && held.Bytes > peak)
                return $"held {ByteSize.Format(peak)} of {NameList.Shortened(held.Memory)} memory, and {ByteSize.Format(held.Bytes)} by who held it";
        }

        return null;
    }

    private static string? OfPasses(CaseResult result)
    {
        if (result.Tensors == 0 && result.WeightBytes > 0) return $"has no tensor, and {result.WeightBytes} bytes of weights";
        foreach (var pass in result.Passes ?? [])
        {
            if (result.WeightBytes is { } weights && IsOff(pass, weights))
                return $"read {ByteSize.Format(pass.ReadBytes!.Value)} in a pass over {ByteSize.Format(weights)} of weights, and {Rereads.Text(pass.Reread)} of them";
        }

        return null;
    }

    // What a pass read of its weights is what it read over what they have, told to four decimal places.
    private static bool IsOff(PassReport pass, long weightBytes) =>
        pass is { ReadBytes: { } read, Reread: { } reread } && weightBytes > 0 && Math.Abs(reread - (double)read / weightBytes) > 1e-4 * Math.Max(1, reread);

    private static string? AboveCap(long? bytes, string what, CaseResult result) =>
        CaseContradictions.IsAboveCap(bytes, result.CapBytes) ? $"held {ByteSize.Format(bytes!.Value)} of {what} under a cap of {result.Cap}" : null;

    private static long? Highest(IReadOnlyList<long>? column) => column is { Count: > 0 } ? column.Max() : null;
}
