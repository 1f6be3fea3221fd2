namespace Loadline.Benchmarks;

/// <summary>
/// What the README shows of the record: until every weight was read once, because a mapped file is loaded in no time and read afterwards.
/// </summary>
internal static class ReadmeTable
{
    private static readonly (string Name, string Label)[] Shown =
    [
        ("load_state_dict", "PyTorch: `model.load_state_dict(torch.load(path))`"),
        ("torch.load", "PyTorch: `torch.load(path)` alone"),
        ("assign", "PyTorch: `assign=True` into a meta model"),
        ("mmap assign", "PyTorch: `mmap=True`, `assign=True`"),
        ("load_file", "safetensors: `load_file`"),
        ("eager", "Loadline: `eager`, which holds them twice, too"),
        ("meta-assign", "Loadline: `meta-assign`"),
        ("streamed", "Loadline: `streamed`"),
        ("streamed, safetensors", "Loadline: `streamed`, of safetensors"),
        ("streamed onto sim", "Loadline: `streamed`, onto a simulated accelerator"),
        ("mmap-assign", "Loadline: `mmap-assign`"),
        ("mmap-assign, safetensors", "Loadline: `mmap-assign`, of safetensors"),
        ("two readers into fresh memory", "the limit: two raw readers, nothing read again"),
        ("cat", "`cat` of the file"),
    ];

    /// <summary>The rows of a model, without the head: seconds with memory at hand, warm and cold, seconds as met, cold, and the highest anonymous memory.</summary>
    public static IEnumerable<string> Rows(PeersRecord record, string model) => Shown.Select(shown =>
    {
        var (warm, cold) = (record.Find("load", model, cold: false, shown.Name), record.Find("load", model, cold: true, shown.Name));
        var peak = Math.Max(warm?.PeakAnonymousBytes ?? 0, cold?.PeakAnonymousBytes ?? 0);
        var met = record.Rows.FirstOrDefault(r => r.Group == Group.AsMet && r.Model == model && r.Cold && r.Name == shown.Name);
        return $"| {shown.Label} | {Seconds(warm)} | {Seconds(cold)} | {Seconds(met)} | {(peak > 0 ? $"{peak / ByteSize.MiB}" : "–")} |";
    });

    private static string Seconds(Row? row) => row is null ? "–" : $"{row.Median(r => r.WithTouch):0.00}";
}
