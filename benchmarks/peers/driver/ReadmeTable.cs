namespace Loadline.Benchmarks;

/// <summary>
/// What the README shows of the record: until every weight was read once, because a mapped file is loaded in no time and read afterwards.
/// </summary>
internal static class ReadmeTable
{
    private static readonly (string Name, string Label)[] Shown =
    [
        ("load_state_dict", "PyTorch: `model.load_state_dict(torch.load(path))`"),
        ("assign", "PyTorch: `assign=True` into a meta model"),
        ("mmap assign", "PyTorch: `mmap=True`, `assign=True`"),
        ("load_file", "safetensors: `load_file`"),
        ("eager", "Loadline: `eager`, which holds them twice, too"),
        ("meta-assign", "Loadline: `meta-assign`"),
        ("streamed", "Loadline: `streamed`"),
        ("streamed, safetensors", "Loadline: `streamed`, of safetensors"),
        ("mmap-assign", "Loadline: `mmap-assign`"),
        ("mmap-assign, safetensors", "Loadline: `mmap-assign`, of safetensors"),
        ("two readers into fresh memory", "the limit: two raw readers, nothing read again"),
    ];

    /// <summary>The rows of a model, without the head.</summary>
    public static IEnumerable<string> Rows(PeersRecord record, string model) => Shown.Select(shown =>
    {
        var (warm, cold) = (record.Find("load", model, cold: false, shown.Name), record.Find("load", model, cold: true, shown.Name));
        var peak = Math.Max(warm.PeakAnonymousBytes ?? 0, cold.PeakAnonymousBytes ?? 0);
        return $"| {shown.Label} | {warm.Median(r => r.WithTouch):0.00} | {cold.Median(r => r.WithTouch):0.00} | {peak / ByteSize.MiB} |";
    });
}
