using Loadline.Checkpoints;
using Loadline.Strategies;

namespace Loadline.Benchmarks;

/// <summary>Contenders that are run in turn, on the same model and from the same state of the page cache.</summary>
/// <param name="Name">As in the record.</param>
/// <param name="Model">A model that <c>loadline make</c> knows.</param>
/// <param name="Cold">Whether the checkpoint's pages are evicted before each run; else all of them are cached.</param>
/// <param name="Contenders">In the order of the table.</param>
/// <param name="CapBytes">The cap from the bytes of the weights.</param>
/// <param name="Times">How many times as many runs as others it takes: a disk may have two speeds, and five medians of either say little.</param>
internal sealed record Group(string Name, string Model, bool Cold, IReadOnlyList<Contender> Contenders, Func<long, long> CapBytes, int Times = 1)
{
    /// <summary>The group of loads on a machine as users have it.</summary>
    public const string AsMet = "as met";

    /// <summary>The group of loads into a module of TorchSharp's, on such a machine.</summary>
    public const string Modules = "into TorchSharp";

    /// <summary>
    /// Whether nobody holds memory for the contenders: each run begins with a page cache that is empty but for the checkpoint if it is warm, and a quarter of a
    /// minute after the one before it, in which a virtual machine gives free memory back to its host.
    /// </summary>
    public bool IsAsMet => Name is AsMet or Modules;

    private const string Accelerator = "sim:64GiB";

    // A run takes a quarter of a minute there: what the picture shows, the plainest ways of both sides, and the limits.
    private static readonly string[] ShownOfLarge = [.. Picture.Contenders, "meta-assign", "torch.load", "two readers into fresh memory", "cat"];

    /// <summary>All that is measured, for a list of models from the smallest on.</summary>
    /// <param name="models">Models that <c>loadline make</c> knows. What takes one model only takes gpt2-medium, or else the first.</param>
    public static IEnumerable<Group> All(IReadOnlyList<string> models)
    {
        foreach (var model in models)
        {
            IReadOnlyList<Contender> loads = model == "gpt2-xl" ? [.. Loads.Where(c => ShownOfLarge.Contains(c.Name))] : Loads;
            yield return new("load", model, Cold: false, loads, Enough);
            yield return new("load", model, Cold: true, [.. loads, Direct], Enough);
        }

        // Slow: most of it is waiting.
        var medium = models.Contains("gpt2-medium") ? "gpt2-medium" : models[0];
        foreach (var model in models.Where(m => m != "gpt2-small")) yield return new(AsMet, model, Cold: true, Met, Enough, Times: 2);
        yield return new(AsMet, medium, Cold: false, [.. Met.Where(c => c.Name != Direct.Name)], Enough, Times: 2);
        yield return new(Modules, medium, Cold: true, IntoModules, Enough);
        yield return new("start", medium, Cold: false, Starting, Enough);
        yield return new("open", medium, Cold: false, Opening, Enough);
        yield return new("fill", medium, Cold: false, [Contender.Ours("meta-assign"), Contender.Ours("streamed"), Fill], Enough, Times: 4);
        yield return new("disk", medium, Cold: true, [Contender.Ours("mmap-assign", Accelerator), Contender.Ours("streamed", Accelerator), Direct, Cat], Enough, Times: 3);
        yield return new("tight", medium, Cold: true, [Contender.Ours("mmap-assign", Accelerator), Contender.Ours("streamed", Accelerator, ring: "16MiB"), Direct, Cat], _ => 64 * ByteSize.MiB, Times: 3);
        yield return new("eighth", medium, Cold: true, [Contender.Ours("mmap-assign"), Direct, Cat], weights => weights / 8, Times: 3);
        foreach (var rate in CapRate.All) yield return rate.On(medium);
        yield return new("memory", medium, Cold: false, [new("memcpy", Side.Limit, CheckpointFormat.Pth, "{contender}", "{go}", "memcpy"), new("convert", Side.Loadline, CheckpointFormat.Pth, "{contender}", "{go}", "convert")], Enough);
        foreach (var builds in EarlierBuild.On(medium)) yield return builds;
        foreach (var technique in Technique.All) yield return technique.On(medium);
    }

    /// <summary>A cap that no load comes near.</summary>
    public static long Enough(long weights) => 2 * weights + 2 * ByteSize.GiB;

    private static Contender Direct => Contender.Shell("dd, O_DIRECT", "dd if=\"$0\" of=/dev/null bs=8M iflag=direct status=none");

    private static Contender Cat => Contender.Shell("cat", "cat \"$0\" > /dev/null");

    private static Contender Fill => new("two readers into fresh memory", Side.Limit, CheckpointFormat.Pth, "{contender}", "{go}", "fill", "{checkpoint}");

    private static IReadOnlyList<Contender> Loads =>
    [
        .. StrategyCatalog.All.Where(s => s.Name != "auto").Select(s => Contender.Ours(s.Name)),
        Contender.Ours("streamed", format: CheckpointFormat.Safetensors) with { Name = "streamed, safetensors" },
        Contender.Ours("mmap-assign", format: CheckpointFormat.Safetensors) with { Name = "mmap-assign, safetensors" },
        Contender.Ours("mmap-assign", Accelerator), Contender.Ours("streamed", Accelerator),
        Contender.Theirs("torch.load"), Contender.Theirs("load_state_dict"), Contender.Theirs("assign"), Contender.Theirs("mmap assign"),
        Contender.Theirs("load_file"), Contender.Theirs("safe_open"),
        Fill, Cat,
    ];

    private static IReadOnlyList<Contender> Met =>
    [
        Contender.Ours("streamed"), Contender.Ours("meta-assign"), Contender.Ours("mmap-assign"), Contender.Ours("streamed", Accelerator),
        Contender.Theirs("torch.load"), Contender.Theirs("mmap assign"), Direct, Cat,
    ];

    private static IReadOnlyList<Contender> IntoModules =>
    [
        Contender.Module("Module.load", Side.TorchSharp, CheckpointFormat.Dat, "Module.load"),
        Contender.Module("load_state_dict", Side.TorchSharp, CheckpointFormat.Dat, "load_state_dict"),
        Contender.Module("PyBridge load_py", Side.TorchSharp, CheckpointFormat.Pth, "load_py"),
        Contender.Module("PyBridge load_safetensors", Side.TorchSharp, CheckpointFormat.Safetensors, "load_safetensors"),
        Contender.Module("LoadWeights by streamed", Side.Loadline, CheckpointFormat.Pth, "streamed"),
        Contender.Module("LoadWeights by mmap-assign", Side.Loadline, CheckpointFormat.Pth, "mmap-assign"),
    ];

    private static IReadOnlyList<Contender> Starting =>
    [
        Contender.Shell("a program with Loadline", "{contender} {go} start > /dev/null") with { Side = Side.Loadline },
        Contender.Shell("import torch", "python3 -c 'import torch'") with { Side = Side.PyTorch },
        Contender.Shell("import safetensors.torch", "python3 -c 'import safetensors.torch'") with { Side = Side.Safetensors },
    ];

    private static IReadOnlyList<Contender> Opening =>
    [
        new("open pth", Side.Loadline, CheckpointFormat.Pth, "{contender}", "{go}", "open", "{checkpoint}"),
        new("open safetensors", Side.Loadline, CheckpointFormat.Safetensors, "{contender}", "{go}", "open", "{checkpoint}"),
        Contender.Opens("torch.load mmap"), Contender.Opens("load_file"), Contender.Opens("safe_open"),
    ];
}
