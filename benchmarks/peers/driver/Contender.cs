using Loadline.Checkpoints;

namespace Loadline.Benchmarks;

/// <summary>Something that reads a checkpoint, in a program that prints one JSON line with its own time.</summary>
/// <param name="Name">As in tables.</param>
/// <param name="Side">Whose it is.</param>
/// <param name="Format">The checkpoint that it gets.</param>
/// <param name="Command">The program's arguments; <c>{checkpoint}</c>, <c>{contender}</c> and <c>{peers}</c> stand for paths.</param>
internal sealed record Contender(string Name, Side Side, CheckpointFormat Format, params string[] Command)
{
    private const string Timed = "echo ready; sleep 0.3; s=$(date +%s%N); {0}; e=$(date +%s%N); awk \"BEGIN {{ printf \\\"{{ \\\\\\\"seconds\\\\\\\": %.6f }}\\n\\\", ($e - $s) / 1e9 }}\"";

    /// <summary>A load by one of Loadline's strategies.</summary>
    public static Contender Ours(string strategy, string device = "cpu", CheckpointFormat format = CheckpointFormat.Pth, string? ring = null) => new(
        strategy + (device == "cpu" ? "" : " onto sim") + (ring is null ? "" : $", ring {ring}"), Side.Loadline, format,
        ["{contender}", "load", strategy, device, "{checkpoint}", .. ring is null ? Array.Empty<string>() : [ring]]);

    /// <summary>One of the ways of peers.py.</summary>
    public static Contender Theirs(string way, params string[] more) => new(
        way, way is "load_file" or "safe_open" ? Side.Safetensors : Side.PyTorch, way is "load_file" or "safe_open" ? CheckpointFormat.Safetensors : CheckpointFormat.Pth,
        ["python3", "{peers}", way, "{checkpoint}", .. more, "--announce"]);

    /// <summary>A command of the shell, with the time that it takes.</summary>
    public static Contender Shell(string name, string command) => new(
        name, Side.Limit, CheckpointFormat.Pth, "sh", "-c", string.Format(null, Timed, command), "{checkpoint}");
}
