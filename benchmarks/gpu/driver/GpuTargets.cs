using Loadline.Checkpoints;

namespace Loadline.Benchmarks.Gpu;

/// <summary>What this project promises of loads onto a GPU.</summary>
internal static class GpuTargets
{
    /// <summary>What a streamed load may hold beside its ring: readers' stacks, and what the driver keeps for copies in flight.</summary>
    private const long SlackBytes = 32 * ByteSize.MiB;

    /// <summary>All targets of all models, measured or not.</summary>
    public static IEnumerable<Target> All(GpuRecord record) => record.WeightBytes.Keys.SelectMany(model => Of(record, model));

    private static IEnumerable<Target> Of(GpuRecord record, string model)
    {
        var weights = (double)record.WeightBytes[model];
        foreach (var (strategy, times) in new[] { ("eager", 2), ("mmap-assign", 1), ("streamed", 1) })
        {
            var requested = Best(strategy, cold: false)?.Most(r => r.RequestedDeviceBytes);
            yield return new($"{model}: {strategy} asks the device for {(times == 1 ? "the weights" : "twice the weights")}, to the byte", requested / (times * weights), Bound.Exactly, 1);
        }

        var streamed = Best("streamed", cold: false);
        var over = streamed?.Runs.Max(r => r.PeakAnonymousBytes - r.BaselineAnonymousBytes);
        yield return new($"{model}: streamed holds on the host, over its context, against ring + 32 MiB", over / (double)(record.RingBytes + SlackBytes), Bound.AtMost, 1);

        var bus = record.Find("limit", "", GpuContender.PinnedCopy.Name)?.BytesPerSecond;
        var cache = record.Find("limit", model, FileLimits.ReadBy(record.Readers))?.BytesPerSecond;
        var lower = bus is { } a && cache is { } b ? Math.Min(a, b) : (double?)null;
        yield return new($"{model}: streamed, warm, against the pinned copy or {record.Readers} readers of the page cache, whichever is slower", streamed?.BytesPerSecond / lower, Bound.AtLeast, 0.85);
        yield return new($"{model}: safetensors.load_file takes so many times as long as streamed", Times("load_file", CheckpointFormat.Safetensors), Bound.AtLeast, 3);
        yield return new($"{model}: torch.load takes so many times as long as streamed", Times("torch.load", CheckpointFormat.Pth), Bound.AtLeast, 3);

        var disk = FileLimits.DirectStreams.Select(n => record.Find("limit", model, FileLimits.DirectBy(n), cold: true)?.BytesPerSecond).Max();
        yield return new($"{model}: streamed, cold, against the best dd", Best("streamed", cold: true)?.BytesPerSecond / disk, Bound.AtLeast, 0.9);

        foreach (var cold in (bool[])[false, true])
        {
            var capped = record.Find(CappedLoads.Group, model, CappedLoads.Name, cold);
            var free = record.Rows.Find(r => r.Group == CappedLoads.Group && r.Model == model && r.Cold == cold && r.CapBytes is null && r.IsMeasured);
            yield return new($"{model}: streamed under context + ring + 64 MiB, {(cold ? "cold" : "warm")}, against itself without a cap", free?.Seconds / capped?.Seconds, Bound.AtLeast, 0.9);
        }

        var compared = record.Rows.Where(r => r.Group == "digest" && r.Model == model && (r.IsMeasured || r.HasFailed)).ToList();
        yield return new($"{model}: loads whose every tensor had the recorded digest", compared.Count == 0 ? null : (double)compared.Count(r => r.IsMeasured) / compared.Count, Bound.Exactly, 1);

        // The article's format where it was measured.
        GpuRow? Best(string strategy, bool cold) =>
            record.Find("load", model, strategy, cold) ?? record.Find("load", model, GpuContender.NameOf(strategy, CheckpointFormat.Safetensors), cold);

        double? Times(string peer, CheckpointFormat format) =>
            record.Find("load", model, peer)?.Seconds / record.Find("load", model, GpuContender.NameOf("streamed", format))?.Seconds;
    }
}
