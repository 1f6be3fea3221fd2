namespace Loadline.Benchmarks.Gpu;

/// <summary>The rows of the README's table of a model on a GPU.</summary>
internal static class GpuReadmeTable
{
    private static readonly (string What, string Name)[] Shown =
    [
        ("Loadline `streamed`", "streamed"), ("Loadline `streamed`, safetensors", "streamed, safetensors"), ("Loadline `mmap-assign`", "mmap-assign"),
        ("safetensors `load_file(device=…)`", "load_file"), ("`torch.load(mmap=True)`", "torch.load mmap"), ("`torch.load`", "torch.load"),
        ("`load_state_dict(torch.load(…))`", "load_state_dict"),
    ];

    /// <summary>Medians, and what was held at most.</summary>
    public static IEnumerable<string> Rows(GpuRecord record, string model)
    {
        foreach (var (what, name) in Shown)
        {
            var (warm, cold) = (record.Find("load", model, name), record.Find("load", model, name, cold: true));
            if (warm is null || cold is null) continue;
            var host = warm.Runs.Concat(cold.Runs).Max(r => r.PeakAnonymousBytes - r.BaselineAnonymousBytes);
            yield return FormattableString.Invariant(
                $"| {what} | {warm.Seconds:0.00} | {warm.BytesPerSecond / ByteSize.GiB:0.0} | {cold.Seconds:0.0} | {Mebibytes(warm.Most(r => r.RequestedDeviceBytes))} | {Mebibytes(host)} |");
        }
    }

    private static string Mebibytes(long? bytes) => FormattableString.Invariant($"{(double)bytes!.Value / ByteSize.MiB:0}");
}
