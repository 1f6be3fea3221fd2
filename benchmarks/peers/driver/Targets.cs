namespace Loadline.Benchmarks;

/// <summary>What this project promises of loads beside PyTorch's and safetensors'.</summary>
internal static class Targets
{
    /// <summary>All targets, of the model that the single ones are measured on.</summary>
    public static IEnumerable<Target> All(PeersRecord record, string model)
    {
        var weights = record.WeightBytes[model];
        var torchOpens = Of("open", "torch.load mmap")?.Median(r => r.AgainSeconds!.Value);
        foreach (var format in (string[])["pth", "safetensors"])
        {
            var opens = Of("open", "open " + format)?.Median(r => r.AgainSeconds!.Value);
            yield return new($"open of {format}: torch.load(mmap=True) takes so many times as long", torchOpens / opens, Bound.AtLeast, 5);
            yield return new($"open of {format} against safetensors' load_file", opens / Of("open", "load_file")?.Median(r => r.AgainSeconds!.Value), Bound.AtMost, 1);
        }

        var fill = Of("fill", "two readers into fresh memory")?.Median(r => r.Seconds);
        foreach (var strategy in (string[])["meta-assign", "streamed"])
        {
            yield return new($"{strategy} on cpu, warm, against two readers into fresh memory", Of("fill", strategy)?.Median(r => r.Seconds) / fill, Bound.AtMost, 1.2);
            yield return new($"{strategy}'s slowest run against the fastest torch.load", Of("load", strategy)?.Spread(r => r.Seconds).Most / Of("load", "torch.load")?.Spread(r => r.Seconds).Least, Bound.AtMost, 1);
        }

        yield return new("eager, warm, against load_state_dict(torch.load)", Of("load", "eager")?.Median(r => r.Seconds) / Of("load", "load_state_dict")?.Median(r => r.Seconds), Bound.AtMost, 1);

        foreach (var name in (string[])["mmap-assign onto sim", "streamed onto sim"])
            yield return new($"{name}, cold: rate against the better of dd and cat", Disk("disk") / Of("disk", name, cold: true)?.Median(r => r.Seconds), Bound.AtLeast, 0.95);
        foreach (var name in (string[])["mmap-assign onto sim", "streamed onto sim, ring 16MiB"])
            yield return new($"{name}, cold, under 64 MiB: rate against the better of dd and cat", Disk("tight") / Of("tight", name, cold: true)?.Median(r => r.Seconds), Bound.AtLeast, 0.95);
        yield return new("mapped weights read once under an eighth of their size: rate against the better of dd and cat", Disk("eighth") / Of("eighth", "mmap-assign", cold: true)?.Median(r => r.WithTouch), Bound.AtLeast, 0.8);
        foreach (var met in record.Rows.Where(r => r.Group == Group.AsMet).Select(r => r.Model).Distinct())
        {
            foreach (var target in AsMet(record, met)) yield return target;
        }

        foreach (var target in EarlierBuild.Targets(record)) yield return target;
        yield return new("float32 to bfloat16 against a copy of as many bytes", Of("memory", "convert")?.Median(r => r.Seconds) / Of("memory", "memcpy")?.Median(r => r.Seconds), Bound.AtMost, 1.5);

        // In turn with what is held against it: a disk's rate changes within minutes.
        double? Disk(string group) => Least(Of(group, "dd, O_DIRECT", cold: true)?.Median(r => r.Seconds), Of(group, "cat", cold: true)?.Median(r => r.Seconds));

        Row? Of(string group, string name, bool cold = false) => record.Find(group, model, cold, name);
    }

    // On a machine as users have it: cold, and nobody holds memory.
    private static IEnumerable<Target> AsMet(PeersRecord record, string model)
    {
        var (cat, dd, torch) = (Seconds("cat"), Seconds("dd, O_DIRECT"), Seconds("torch.load"));
        foreach (var strategy in (string[])["streamed", "meta-assign"])
        {
            yield return new($"as met, {model}: {strategy} on cpu against cat of the file", Seconds(strategy) / cat, Bound.AtMost, 1.25);
            yield return new($"as met, {model}: torch.load takes so many times as long as {strategy}", torch / Seconds(strategy), Bound.AtLeast, 1.5);
        }

        yield return new($"as met, {model}: mmap-assign and one read against torch.load(mmap=True) and one read", WithTouch("mmap-assign") / WithTouch("mmap assign"), Bound.AtMost, 1);
        yield return new($"as met, {model}: streamed onto sim against the better of dd and cat", Seconds("streamed onto sim") / Least(dd, cat), Bound.AtMost, 1.1);

        double? Seconds(string name) => record.Find(Group.AsMet, model, cold: true, name)?.Median(r => r.Seconds);

        double? WithTouch(string name) => record.Find(Group.AsMet, model, cold: true, name)?.Median(r => r.WithTouch);
    }

    private static double? Least(double? one, double? other) => one is { } a && other is { } b ? Math.Min(a, b) : one ?? other;
}
