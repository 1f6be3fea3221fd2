using System.Text;

namespace Loadline.Benchmarks;

/// <summary>Loads by this build and by an earlier one, in turn: a record of another day is of another machine, which has the same name.</summary>
internal static class EarlierBuild
{
    private const string Name = "earlier build";

    private const string Mark = ", earlier";

    /// <summary>The earlier build's contender, as published; null leaves the comparison out.</summary>
    public static string? ContenderPath { get; } = Environment.GetEnvironmentVariable("LOADLINE_PEERS_EARLIER") is { Length: > 0 } path ? Path.GetFullPath(path) : null;

    /// <summary>What stands for its path.</summary>
    public const string Placeholder = "{earlier}";

    /// <summary>What its containers need to see.</summary>
    public static IReadOnlyList<string> Mounts => ContenderPath is null ? [] : [Path.GetDirectoryName(ContenderPath)!];

    private static IReadOnlyList<Contender> Loads =>
    [
        Contender.Ours("streamed"), Contender.Ours("meta-assign"), Contender.Ours("mmap-assign"), Contender.Ours("eager"),
        Contender.Ours("mmap-assign", "sim:64GiB"), Contender.Ours("streamed", "sim:64GiB"),
    ];

    /// <summary>Cold and warm, where an earlier build is given.</summary>
    public static IEnumerable<Group> On(string model)
    {
        if (ContenderPath is null) yield break;
        List<Contender> both = [.. Loads.SelectMany(now => (Contender[])[now, now with { Name = now.Name + Mark, Command = [Placeholder, .. now.Command.Skip(1)] }])];
        foreach (var cold in (bool[])[true, false]) yield return new(Name, model, cold, both, Group.Enough);
    }

    /// <summary>Nothing gets slower.</summary>
    public static IEnumerable<Target> Targets(PeersRecord record) =>
        Pairs(record).Select(pair => new Target($"{Load(pair.Now)}: against the earlier build", pair.Now.Median(r => r.WithTouch) / pair.Earlier.Median(r => r.WithTouch), Bound.AtMost, 1.1));

    /// <summary>The section of the record.</summary>
    public static void Write(StringBuilder text, PeersRecord record, Func<Row, string> seconds)
    {
        if (!Pairs(record).Any()) return;
        text.Append("\n## Beside an earlier build of Loadline\n\nIn turn, seconds until every weight was read once.\n\n| | now | earlier | now takes |\n|---|--:|--:|--:|\n");
        foreach (var (now, earlier) in Pairs(record))
            text.Append(null, $"| {Load(now)}, {now.Runs.Count} runs | {seconds(now)} | {seconds(earlier)} | {now.Median(r => r.WithTouch) / earlier.Median(r => r.WithTouch):0.00} × |\n");
    }

    private static IEnumerable<(Row Now, Row Earlier)> Pairs(PeersRecord record)
    {
        var rows = record.Rows.Where(r => r.Group == Name).ToList();
        return rows.Where(r => !r.Name.EndsWith(Mark, StringComparison.Ordinal)).Select(now => (now, record.Find(Name, now.Model, now.Cold, now.Name + Mark)!));
    }

    private static string Load(Row row) => $"{row.Name}, {row.Model}, {(row.Cold ? "cold" : "warm")}";
}
