using Loadline.Checkpoints;
using Loadline.Strategies;

namespace Loadline.Benchmarks.Gpu;

/// <summary>A way onto the GPU, in a program of its own.</summary>
/// <param name="Name">As in tables.</param>
/// <param name="Side">Whose it is: the worker's JSON lines are told from peers.py's line by it.</param>
/// <param name="Format">The checkpoint that it gets.</param>
/// <param name="Arguments">Behind the program, with <c>{checkpoint}</c> for the path.</param>
internal sealed record GpuContender(string Name, Side Side, CheckpointFormat Format, params string[] Arguments)
{
    /// <summary>Everybody, in the order of the table.</summary>
    public static IReadOnlyList<GpuContender> All { get; } =
    [
        // auto is one of the others.
        .. StrategyCatalog.All.Where(s => s.Name != "auto").Select(s => Ours(s.Name, CheckpointFormat.Pth)),
        Ours("mmap-assign", CheckpointFormat.Safetensors), Ours("streamed", CheckpointFormat.Safetensors),
        Theirs("torch.load"), Theirs("torch.load mmap"), Theirs("load_state_dict"), Theirs("mmap assign"), Theirs("load_file"),
    ];

    /// <summary>The streamed load as it is, and with other rings, numbers of readers, and past the page cache: what its defaults are held against.</summary>
    public static IReadOnlyList<GpuContender> Settings { get; } =
    [
        Ours("streamed", CheckpointFormat.Pth),
        .. ((string[])["16MiB", "32MiB", "128MiB", "256MiB"]).Select(ring => Setting("ring", ring)),
        .. ((string[])["2", "4", "16"]).Select(readers => Setting("readers", readers)),
        Setting("reads", "direct"),
    ];

    /// <summary>The limit of the bus; it reads no checkpoint.</summary>
    public static GpuContender PinnedCopy { get; } = new("pinned copy", Side.Limit, CheckpointFormat.Pth, "pinned-copy");

    /// <summary>The name of one of ours.</summary>
    public static string NameOf(string strategy, CheckpointFormat format) => strategy + (format == CheckpointFormat.Pth ? "" : ", " + format.Name());

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string> Command(GpuOptions options, string path, bool cold)
    {
        var arguments = Arguments.Select(a => a.Replace("{checkpoint}", path, StringComparison.Ordinal));
        return Side == Side.Loadline
            ? [options.WorkerPath, .. arguments, "--device", options.Device.ToString(), .. cold ? Array.Empty<string>() : ["--warm", "true"]]
            : [.. options.Python, options.PeersPath, .. arguments, "--device", options.TorchDevice];
    }

    private static GpuContender Ours(string strategy, CheckpointFormat format) =>
        new(NameOf(strategy, format), Side.Loadline, format, "{checkpoint}", "--strategy", strategy);

    private static GpuContender Setting(string option, string value)
    {
        var streamed = Ours("streamed", CheckpointFormat.Pth);
        return streamed with { Name = $"{streamed.Name} --{option} {value}", Arguments = [.. streamed.Arguments, $"--{option}", value] };
    }

    private static GpuContender Theirs(string way) => way == "load_file"
        ? new(way, Side.Safetensors, CheckpointFormat.Safetensors, way, "{checkpoint}")
        : new(way, Side.PyTorch, CheckpointFormat.Pth, way, "{checkpoint}");
}
