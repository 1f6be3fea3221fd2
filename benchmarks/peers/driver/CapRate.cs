namespace Loadline.Benchmarks;

/// <summary>Cold loads under one cap, by what survives it.</summary>
/// <param name="Name">The cap, in S, the bytes of the weights.</param>
/// <param name="CapBytes">The same from these.</param>
/// <param name="HoldsWeights">Whether the weights fit into it once.</param>
internal sealed record CapRate(string Name, Func<long, long> CapBytes, bool HoldsWeights)
{
    private const string Accelerator = "sim:64GiB";

    /// <summary>From the tightest on. None holds the weights twice and a program beside them.</summary>
    public static IReadOnlyList<CapRate> All { get; } =
    [
        new("S/8", s => s / 8, HoldsWeights: false),
        new("S/4", s => s / 4, HoldsWeights: false),
        new("S/2", s => s / 2, HoldsWeights: false),
        new("S + 64 MiB", s => s + 64 * ByteSize.MiB, HoldsWeights: true),
        new("2 S", s => 2 * s, HoldsWeights: true),
    ];

    /// <summary>Who loads under some of them.</summary>
    public static IReadOnlyList<Contender> Contenders { get; } =
    [
        Contender.Ours("mmap-assign"), Contender.Ours("mmap-assign", Accelerator), Contender.Ours("streamed", Accelerator),
        Contender.Ours("streamed"), Contender.Ours("meta-assign"), Contender.Ours("per-tensor"),
    ];

    /// <summary>What the record calls the group.</summary>
    public string Group => "under " + Name;

    /// <summary>Who survives, in turn.</summary>
    public Group On(string model) => new(Group, model, Cold: true, [.. Contenders.Where(Survives)], CapBytes);

    // per-tensor holds one tensor more, which is an eighth of GPT-2 medium.
    private bool Survives(Contender contender) =>
        (contender.Name.EndsWith("sim", StringComparison.Ordinal) || contender.Name == "mmap-assign" || HoldsWeights) && (contender.Name != "per-tensor" || Name == "2 S");
}
