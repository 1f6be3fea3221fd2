using System.Security.Cryptography;

namespace Loadline.Fuzz.Coverage;

/// <summary>
/// The inputs that a coverage-guided run kept and minimised: one file of text for each target, an input a line, in base64. The unit tests
/// try them again.
/// </summary>
internal static class CoverageCorpus
{
    // A corpus in a repository is to be small: the shortest inputs are kept, and longer ones cover little that these do not.
    private const int MaxBytes = 96 << 10;

    /// <summary>The fixtures of a kind, and what was kept.</summary>
    public static IEnumerable<byte[]> Inputs(CoverageTarget target)
    {
        var seeds = target.Seeds(new Corpus());
        return File.Exists(PathOf(target)) ? seeds.Concat(File.ReadLines(PathOf(target)).Select(Convert.FromBase64String)) : seeds;
    }

    /// <summary>Writes the files of a folder, as afl-cmin leaves it, into the repository.</summary>
    public static int Keep(CoverageTarget target, string folder)
    {
        var (kept, bytes) = (new List<byte[]>(), 0);
        foreach (var input in Directory.GetFiles(folder).Select(File.ReadAllBytes).OrderBy(i => i.Length).ThenBy(Convert.ToHexString, StringComparer.Ordinal))
        {
            bytes += input.Length;
            if (bytes > MaxBytes) break;
            if (input.Length > 0) kept.Add(input);
        }

        File.WriteAllLines(PathOf(target), kept.Select(Convert.ToBase64String));
        Console.WriteLine($"{kept.Count} inputs in {PathOf(target)}");
        return 0;
    }

    /// <summary>Writes what afl-fuzz starts from: the fixtures and this corpus into <c>seeds</c>, and a dictionary.</summary>
    public static int WriteSeeds(CoverageTarget target, string folder)
    {
        var seeds = Directory.CreateDirectory(Path.Combine(folder, "seeds")).FullName;
        foreach (var input in Inputs(target)) File.WriteAllBytes(Path.Combine(seeds, NameOf(input)), input);
        File.WriteAllLines(Path.Combine(folder, "words"), target.Words.Select(w => $"\"{string.Concat(w.Select(b => $"\\x{b:x2}"))}\""));
        return 0;
    }

    private static string NameOf(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];

    private static string PathOf(CoverageTarget target) =>
        Path.Combine(Corpus.Repository, "tests", "Fuzz", "Coverage", "Corpora", target.Name + ".txt");
}
