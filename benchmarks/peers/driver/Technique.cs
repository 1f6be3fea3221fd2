using Loadline.Checkpoints;

namespace Loadline.Benchmarks;

/// <summary>A technique of reading, and a load with it and without it, in turn: what brings nothing does not stay.</summary>
/// <param name="Name">In words.</param>
/// <param name="Load">What is loaded how.</param>
/// <param name="Cold">Whether the checkpoint is evicted before each run.</param>
/// <param name="CapBytes">The cap from the bytes of the weights.</param>
/// <param name="With">The load as it is.</param>
/// <param name="Without">The same without the technique.</param>
internal sealed record Technique(string Name, string Load, bool Cold, Func<long, long> CapBytes, string[] With, string[] Without)
{
    private const string Accelerator = "sim:64GiB";

    /// <summary>All that a load does beyond plain reads.</summary>
    public static IReadOnlyList<Technique> All { get; } =
    [
        LeavingOut("huge pages for weights", "huge-pages", "meta-assign, warm", cold: false, Group.Enough, "load", "meta-assign", "cpu", "{checkpoint}", "{tiny}"),
        new("two readers", "streamed, warm", false, Group.Enough, Contender("load", "streamed", "cpu", "{checkpoint}", "{tiny}"), Contender("load", "streamed", "cpu", "{checkpoint}", "{tiny}", "64MiB", "1")),
        LeavingOut("huge pages for mapped weights", "huge-pages", "mmap-assign, read once, cold, under an eighth", cold: true, weights => weights / 8, "load", "mmap-assign", "cpu", "{checkpoint}", "{tiny}"),
        LeavingOut("fetching a .pth's headers together", "fetched-headers", "mmap-assign onto sim, cold", cold: true, Group.Enough, "load", "mmap-assign", Accelerator, "{checkpoint}", "{tiny}"),
        LeavingOut("reading ahead", "read-ahead", "mmap-assign onto sim, cold, under 64 MiB", cold: true, _ => 64 * ByteSize.MiB, "load", "mmap-assign", Accelerator, "{checkpoint}", "{tiny}"),
        LeavingOut("dropping behind", "drop-behind", "mmap-assign onto sim, cold, under 64 MiB", cold: true, _ => 64 * ByteSize.MiB, "load", "mmap-assign", Accelerator, "{checkpoint}", "{tiny}"),
        LeavingOut("reading past the page cache", "direct-reads", "streamed onto sim, cold, under 64 MiB", cold: true, _ => 64 * ByteSize.MiB, "load", "streamed", Accelerator, "{checkpoint}", "{tiny}", "16MiB"),
        new("vector instructions", "float32 to bfloat16", false, Group.Enough, Contender("convert"), ["env", "DOTNET_EnableHWIntrinsic=0", .. Contender("convert")]),
    ];

    /// <summary>What is run in turn.</summary>
    public Group On(string model) => new(
        Name, model, Cold, [new("with", Side.Loadline, CheckpointFormat.Pth, With), new("without", Side.Loadline, CheckpointFormat.Pth, Without)], CapBytes, Times: Cold ? 2 : 1);

    private static Technique LeavingOut(string name, string variable, string load, bool cold, Func<long, long> cap, params string[] arguments) =>
        new(name, load, cold, cap, Contender(arguments), ["env", "WITHOUT=" + variable, "{without}", "{go}", .. arguments]);

    private static string[] Contender(params string[] arguments) => ["{contender}", "{go}", .. arguments];
}
