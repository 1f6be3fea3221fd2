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

    private static readonly (string Name, string Label)[] ShownAsMet =
    [
        ("torch.load", "PyTorch: `torch.load(path)`"),
        ("mmap assign", "PyTorch: `mmap=True`, `assign=True`"),
        ("streamed", "Loadline: `streamed`"),
        ("meta-assign", "Loadline: `meta-assign`"),
        ("mmap-assign", "Loadline: `mmap-assign`"),
        ("streamed onto sim", "Loadline: `streamed` onto a simulated accelerator"),
        ("cat", "`cat` of the file"),
        ("dd, O_DIRECT", "`dd`, past the page cache"),
    ];

    /// <summary>The same, cold, on a machine as users have it: median, fastest and slowest.</summary>
    public static IEnumerable<string> RowsAsMet(PeersRecord record, string model) => ShownAsMet.Select(shown =>
    {
        var row = record.Find(Group.AsMet, model, cold: true, shown.Name);
        var (least, most) = row.Spread(r => r.WithTouch);
        return $"| {shown.Label} | {row.Median(r => r.WithTouch):0.00} | {least:0.00} to {most:0.00} |";
    });
}
