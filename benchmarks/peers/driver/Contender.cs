using Loadline.Checkpoints;

namespace Loadline.Benchmarks;

/// <summary>Something that reads a checkpoint, in a program that prints one JSON line with its own time.</summary>
/// <param name="Name">As in tables.</param>
/// <param name="Side">Whose it is.</param>
/// <param name="Format">The checkpoint that it gets.</param>
/// <param name="Command">The program's arguments; <c>{checkpoint}</c>, <c>{contender}</c>, <c>{peers}</c> <c>{tiny}</c>, a small checkpoint of the
/// same format, and <c>{go}</c>, the file that starts the clock, stand for paths.</param>
internal sealed record Contender(string Name, Side Side, CheckpointFormat Format, params string[] Command)
{
    private const string Timed = "echo ready; until [ -e {{go}} ]; do sleep 0.01; done; s=$(date +%s%N); {0}; e=$(date +%s%N); awk \"BEGIN {{ printf \\\"{{ \\\\\\\"seconds\\\\\\\": %.6f }}\\n\\\", ($e - $s) / 1e9 }}\"";

    /// <summary>A load by one of Loadline's strategies.</summary>
    public static Contender Ours(string strategy, string device = "cpu", CheckpointFormat format = CheckpointFormat.Pth, string? ring = null) => new(
        strategy + (device == "cpu" ? "" : " onto sim") + (ring is null ? "" : $", ring {ring}"), Side.Loadline, format,
        ["{contender}", "{go}", "load", strategy, device, "{checkpoint}", "{tiny}", .. ring is null ? Array.Empty<string>() : [ring]]);

    /// <summary>One of the ways of peers.py.</summary>
    public static Contender Theirs(string way) => Peers(way, "--tiny", "{tiny}");

    /// <summary>Only what it does before weights are read, from the first time in its process on.</summary>
    public static Contender Opens(string way) => Peers(way, "open");

    /// <summary>A way into a module of TorchSharp's, by the worker that has them; its clock includes making the module.</summary>
    public static Contender Module(string name, Side side, CheckpointFormat format, string way) => new(name, side, format, Worker, "own", way, "{model}", "{checkpoint}");

    /// <summary>Stands for the worker, which comes with an image of its own and waits for nobody.</summary>
    public const string Worker = "{worker}";

    /// <summary>A command of the shell, with the time that it takes.</summary>
    public static Contender Shell(string name, string command) => new(
        name, Side.Limit, CheckpointFormat.Pth, "sh", "-c", string.Format(null, Timed, command), "{checkpoint}");

    private static Contender Peers(string way, params string[] more) => way is "load_file" or "safe_open"
        ? new(way, Side.Safetensors, CheckpointFormat.Safetensors, ["python3", "{peers}", way, "{checkpoint}", .. more, "--go", "{go}"])
        : new(way, Side.PyTorch, CheckpointFormat.Pth, ["python3", "{peers}", way, "{checkpoint}", .. more, "--go", "{go}"]);
}
