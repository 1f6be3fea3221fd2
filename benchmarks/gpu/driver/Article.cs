using System.Text;

namespace Loadline.Benchmarks.Gpu;

/// <summary>The article whose table is measured again: GPT-2 XL in float32 on one GPU, its GB being GiB and its CPU figure the process's RSS.</summary>
internal static class Article
{
    /// <summary>Its model.</summary>
    public const string Model = "gpt2-xl";

    /// <summary>Its rows, as printed.</summary>
    public static IReadOnlyList<(string Name, string Strategy, double GpuGib, double CpuGib)> Rows { get; } =
    [
        ("baseline", "eager", 12.8, 4.4),
        ("sequential", "sequential", 6.7, 6.3),
        ("meta + sequential", "meta-sequential", 12.8, 1.3),
        ("mmap", "mmap-assign", 6.4, 5.9),
        ("per-tensor files", "per-tensor", 6.4, 0.3),
    ];

    /// <summary>The article's figures and ours beside each other, in markdown.</summary>
    public static string Table(GpuRecord record)
    {
        var text = new StringBuilder($"\n## The article's table, {Model}, float32\n\n");
        text.Append("| | article: GPU GiB | requested GiB | driver GiB | article: CPU GiB | anonymous GiB |\n|---|--:|--:|--:|--:|--:|\n");
        foreach (var (name, strategy, gpu, cpu) in Rows)
        {
            var row = record.IsRehearsal ? null : record.Find("load", Model, strategy);
            text.Append(null, $"| {name} (`{strategy}`) | {gpu:0.0} | {Gibibytes(row?.Most(r => r.RequestedDeviceBytes))} | {Gibibytes(row?.Most(r => r.DriverDeviceBytes))} | {cpu:0.0} | {Gibibytes(row?.Most(r => r.PeakAnonymousBytes))} |\n");
        }

        return text.ToString();
    }

    private static string Gibibytes(long? bytes) => bytes is { } value ? $"{(double)value / ByteSize.GiB:0.0}" : "not measured";
}
