namespace Loadline.Harness.Results;

/// <summary>What NVIDIA's kernel driver says of itself under /proc; nothing where it is not loaded.</summary>
internal static class Nvidia
{
    private const string Folder = "/proc/driver/nvidia";

    /// <summary>The first GPU's model.</summary>
    public static string? Gpu() => Lines("gpus", "*/information", "Model:").FirstOrDefault();

    /// <summary>The driver's version: the first word of the line that holds digits and a dot.</summary>
    public static string? Driver() =>
        Lines("", "version", "NVRM version:").FirstOrDefault()?.Split(' ').FirstOrDefault(word => word.Contains('.') && char.IsAsciiDigit(word[0]));

    private static IEnumerable<string> Lines(string folder, string pattern, string label)
    {
        var root = Path.Combine(Folder, folder);
        if (!Directory.Exists(root)) return [];
        return Directory.EnumerateFiles(root, Path.GetFileName(pattern), SearchOption.AllDirectories)
            .Order()
            .SelectMany(File.ReadLines)
            .Where(line => line.StartsWith(label, StringComparison.Ordinal))
            .Select(line => line[label.Length..].Trim());
    }
}
