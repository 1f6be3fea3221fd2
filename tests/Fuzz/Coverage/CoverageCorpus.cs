using System.Security.Cryptography;

namespace Loadline.Fuzz.Coverage;

/// <summary>
/// The inputs that a coverage-guided run kept and minimised: one file of text for each target, an input a line, in base64. The unit tests
/// try them again.
/// </summary>
internal static class CoverageCorpus
{
    // A corpus in a repository is to be small: what is longer covers little that shorter ones do not.
    private const int MaxInputBytes = 3 << 10;

    public static IEnumerable<byte[]> Read(CoverageTarget target) => File.ReadLines(PathOf(target)).Select(Convert.FromBase64String);

    /// <summary>Writes the files of a folder, as afl-cmin leaves it, into the repository.</summary>
    public static int Keep(CoverageTarget target, string folder)
    {
        var inputs = Directory.GetFiles(folder).Select(File.ReadAllBytes).Where(i => i.Length is > 0 and <= MaxInputBytes)
            .OrderBy(i => i.Length).ThenBy(Convert.ToHexString, StringComparer.Ordinal).ToList();
        File.WriteAllLines(PathOf(target), inputs.Select(i => Convert.ToBase64String(i)));
        Console.WriteLine($"{inputs.Count} inputs in {PathOf(target)}");
        return 0;
    }

    /// <summary>Writes what afl-fuzz starts from: the fixtures and this corpus into <c>seeds</c>, and a dictionary.</summary>
    public static int WriteSeeds(CoverageTarget target, string folder)
    {
        var seeds = Directory.CreateDirectory(Path.Combine(folder, "seeds")).FullName;
        IEnumerable<byte[]> inputs = target.Seeds(new Corpus());
        if (File.Exists(PathOf(target))) inputs = inputs.Concat(Read(target));
        foreach (var input in inputs) File.WriteAllBytes(Path.Combine(seeds, NameOf(input)), input);
        File.WriteAllLines(Path.Combine(folder, "words"), target.Words.Select(w => $"\"{string.Concat(w.Select(b => $"\\x{b:x2}"))}\""));
        return 0;
    }

    private static string NameOf(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];

    private static string PathOf(CoverageTarget target) =>
        Path.Combine(Corpus.Repository, "tests", "Fuzz", "Coverage", "Corpora", target.Name + ".txt");
}
