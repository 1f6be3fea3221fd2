using System.Text.RegularExpressions;

namespace Loadline.Harness.Runtimes;

/// <summary>What NVIDIA's kernel driver shows of itself under /proc and /dev, for which no library is needed; nothing where it is not loaded.</summary>
/// <param name="root">Where /proc and /dev are.</param>
internal sealed partial class Nvidia(string root = "/")
{
    /// <summary>Of this machine.</summary>
    public static Nvidia Here { get; } = new();

    /// <summary>The first GPU's model; some sandboxes show its device alone, and then the maker stands for it. Null where there is none.</summary>
    public string? Gpu => Models.FirstOrDefault() ?? (Gpus > 0 ? "NVIDIA" : null);

    /// <summary>The driver's version: the first word of the line that holds digits and a dot.</summary>
    public string? Driver =>
        Lines("version", "NVRM version:").FirstOrDefault()?.Split(' ').FirstOrDefault(word => word.Contains('.') && char.IsAsciiDigit(word[0]));

    /// <summary>How many GPUs the driver shows.</summary>
    public int Gpus => Math.Max(Models.Count, Entries("dev", "nvidia*").Count(device => DeviceName().IsMatch(Path.GetFileName(device))));

    /// <summary>Why a program of this machine cannot have so many GPUs; null where it can.</summary>
    public string? WhyNot(int gpus)
    {
        // Under WSL all GPUs are behind one device, and their driver is a library alone.
        if (gpus <= Gpus || File.Exists(Path.Join(root, "dev", "dxg"))) return null;
        return Gpus == 0 ? "there is no NVIDIA GPU here (no /dev/nvidia0): install its driver" : $"{gpus} GPUs are asked for, and the driver shows {Gpus}";
    }

    private IReadOnlyList<string> Models => [.. Entries("proc/driver/nvidia/gpus", "*").Order().SelectMany(gpu => LinesOf(Path.Join(gpu, "information"), "Model:"))];

    private IEnumerable<string> Lines(string file, string label) => LinesOf(Path.Join(root, "proc/driver/nvidia", file), label);

    private IEnumerable<string> Entries(string folder, string pattern) =>
        Directory.Exists(Path.Join(root, folder)) ? Directory.EnumerateFileSystemEntries(Path.Join(root, folder), pattern) : [];

    private static IEnumerable<string> LinesOf(string file, string label) => File.Exists(file)
        ? File.ReadLines(file).Where(line => line.StartsWith(label, StringComparison.Ordinal)).Select(line => line[label.Length..].Trim())
        : [];

    // Beside the GPUs there are nvidiactl, nvidia-uvm and a folder of capabilities.
    [GeneratedRegex(@"^nvidia\d+$")]
    private static partial Regex DeviceName();
}
