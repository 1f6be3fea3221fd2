using System.Text;

namespace Loadline.Benchmarks.Gpu;

/// <summary>The record for people.</summary>
internal static class GpuMarkdown
{
    public static string Of(GpuRecord record)
    {
        var (machine, versions) = (record.Machine, record.Versions);
        var text = new StringBuilder();
        text.Append(null, $"# Onto a GPU, {record.Date}\n\n");
        if (record.IsRehearsal) text.Append(null, $"**A rehearsal on {record.Device}, without a GPU: nothing here says anything of one.**\n\n");
        text.Append(null, $"{machine.Gpu ?? "no GPU"}, driver {machine.Driver ?? "none"}; {machine.Processor}, {machine.Cores} cores, {ByteSize.Format(machine.RamBytes)}, kernel {machine.Kernel}; ");
        text.Append(null, $"Python {versions.Python ?? "none"}, torch {versions.Torch ?? "none"} (CUDA {versions.Cuda ?? "none"}), safetensors {versions.Safetensors ?? "none"}.\n");
        text.Append("Medians of the runs, fastest and slowest in brackets, by each program's own clock: after start-up, import and the CUDA context, until the device has everything.\n");
        text.Append("`requested` is what tensors asked of the device at the peak, by the engine's or the allocator's count; `reserved` what PyTorch's allocator had taken for it;\n");
        text.Append("`driver` what the device had more in use than before the program started, its context included; `anon` the process's highest anonymous and shared memory,\n");
        text.Append("`over` what of it came after the context was there. Made by `benchmarks/gpu/run`.\n");
        foreach (var model in record.WeightBytes.Keys)
        {
            Loads(text, record, model);
            Settings(text, record, model);
            Limits(text, record, model);
            Cap(text, record, model);
            Gaps(text, record, model);
        }

        if (record.WeightBytes.ContainsKey(Article.Model)) text.Append(Article.Table(record));
        return text.Append("\n## Targets\n\n").Append(Target.Table(GpuTargets.All(record))).ToString();
    }

    private static void Loads(StringBuilder text, GpuRecord record, string model)
    {
        text.Append(null, $"\n## {model}, {ByteSize.Format(record.WeightBytes[model])}\n\n| | | warm s | GiB/s | cold s | GiB/s | requested MiB | reserved MiB | driver MiB | anon MiB | over MiB |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        foreach (var contender in record.Rows.Where(r => r.Group == "load" && r.Model == model && r.IsMeasured).GroupBy(r => (r.Side, r.Name)))
        {
            var (warm, cold) = (contender.FirstOrDefault(r => !r.Cold), contender.FirstOrDefault(r => r.Cold));
            var runs = contender.SelectMany(r => r.Runs).ToList();
            text.Append(null, $"| {contender.Key.Side} | {contender.Key.Name} | {Seconds(warm)} | {Rate(warm)} | {Seconds(cold)} | {Rate(cold)} ");
            text.Append(null, $"| {Mebibytes(runs.Max(r => r.RequestedDeviceBytes))} | {Mebibytes(runs.Max(r => r.ReservedDeviceBytes))} | {Mebibytes(runs.Max(r => r.DriverDeviceBytes))} ");
            text.Append(null, $"| {Mebibytes(runs.Max(r => r.PeakAnonymousBytes))} | {Mebibytes(runs.Max(r => r.PeakAnonymousBytes - r.BaselineAnonymousBytes))} |\n");
        }
    }

    private static void Settings(StringBuilder text, GpuRecord record, string model)
    {
        var settings = record.Rows.Where(r => r.Group == GpuRecord.SettingsGroup && r.Model == model && r.IsMeasured).GroupBy(r => r.Name).ToList();
        if (settings.Count == 0) return;
        text.Append(null, $"\n| ring of {ByteSize.Format(record.RingBytes)} and {record.Readers} readers, or | warm s | GiB/s | cold s | GiB/s | over MiB |\n|---|--:|--:|--:|--:|--:|\n");
        foreach (var setting in settings)
        {
            var (warm, cold) = (setting.FirstOrDefault(r => !r.Cold), setting.FirstOrDefault(r => r.Cold));
            var over = setting.SelectMany(r => r.Runs).Max(r => r.PeakAnonymousBytes - r.BaselineAnonymousBytes);
            text.Append(null, $"| {setting.Key} | {Seconds(warm)} | {Rate(warm)} | {Seconds(cold)} | {Rate(cold)} | {Mebibytes(over)} |\n");
        }
    }

    private static void Limits(StringBuilder text, GpuRecord record, string model)
    {
        var limits = record.Rows.Where(r => r.Group == "limit" && (r.Model == model || r.Model == "") && r.IsMeasured).ToList();
        if (limits.Count == 0) return;
        text.Append("\n| limit | from | s | GiB/s |\n|---|---|--:|--:|\n");
        foreach (var row in limits) text.Append(null, $"| {row.Name} | {(row.Model == "" ? "memory" : row.Cold ? "disk" : "page cache")} | {Seconds(row)} | {Rate(row)} |\n");
    }

    private static void Cap(StringBuilder text, GpuRecord record, string model)
    {
        if (!record.Caps.TryGetValue(model, out var cap)) return;
        if (cap.Bytes is not { } capBytes)
        {
            text.Append(null, $"\nNo load under a cap was measured: {cap.WhyNot}.\n");
            return;
        }

        text.Append(null, $"\nUnder a host cap of {ByteSize.Format(capBytes)}, which is the context, the ring of {ByteSize.Format(record.RingBytes)} and 64 MiB:\n\n| | warm s | cold s |\n|---|--:|--:|\n");
        foreach (var load in record.Rows.Where(r => r.Group == CappedLoads.Group && r.Model == model).GroupBy(r => r.Name))
            text.Append(null, $"| {load.Key} | {Seconds(load.FirstOrDefault(r => !r.Cold))} | {Seconds(load.FirstOrDefault(r => r.Cold))} |\n");
    }

    private static void Gaps(StringBuilder text, GpuRecord record, string model)
    {
        var gaps = record.Rows.Where(r => r.WhyNot is not null && (r.Model == model || r.Model == "")).ToList();
        if (gaps.Count == 0) return;
        text.Append("\nNot measured, or not as often as the others:\n\n");
        foreach (var alike in gaps.GroupBy(r => (r.Group, r.Cold, r.WhyNot)))
        {
            text.Append(null, $"- {alike.Key.Group}, {(alike.Key.Cold ? "cold" : "warm")}: {alike.Key.WhyNot}: {string.Join("; ", alike.Select(r => r.Name))}\n");
        }
    }

    private static string Seconds(GpuRow? row) =>
        row is not { IsMeasured: true } ? "" : $"{row.Seconds:0.00} ({row.Runs.Min(r => r.Seconds):0.00}–{row.Runs.Max(r => r.Seconds):0.00})";

    private static string Rate(GpuRow? row) => row is not { IsMeasured: true } ? "" : $"{row.BytesPerSecond / ByteSize.GiB:0.0}";

    private static string Mebibytes(long? bytes) => bytes is { } value ? $"{(double)value / ByteSize.MiB:0}" : "";
}
