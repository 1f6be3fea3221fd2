namespace Loadline.Fuzz;

/// <summary>Something to damage: a file, and what is opened afterwards, which is the file itself or the folder that it is a part of.</summary>
/// <param name="Name">Below tests/Fixtures.</param>
/// <param name="Folder">The folder that is opened; null where the file alone is.</param>
/// <param name="Files">The files that may be damaged.</param>
internal sealed record Target(string Name, string? Folder, string[] Files);

/// <summary>Every checkpoint in tests/Fixtures. A new fixture is fuzzed by lying there.</summary>
internal sealed class Corpus
{
    private readonly Dictionary<string, byte[]> _contents = [];

    /// <summary>Where this repository is checked out.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Where the fixtures are.</summary>
    public static string Root { get; } = Path.Combine(Repository, "tests", "Fixtures");

    public Corpus()
    {
        List<Target> targets = [];
        foreach (var folder in Directory.GetDirectories(Root, "*", SearchOption.AllDirectories).Prepend(Root))
        {
            var files = Directory.GetFiles(folder).Where(IsCheckpoint).Order(StringComparer.Ordinal).ToArray();
            var name = Path.GetRelativePath(Root, folder);
            if (IsOpenedWhole(folder, files)) targets.Add(new Target(name, folder, files));
            else targets.AddRange(files.Select(f => new Target(Path.Combine(name, Path.GetFileName(f)), null, [f])));
            foreach (var file in files) _contents.Add(file, File.ReadAllBytes(file));
        }

        Targets = [.. targets.OrderBy(t => t.Name, StringComparer.Ordinal)];
    }

    public IReadOnlyList<Target> Targets { get; }

    public ReadOnlySpan<byte> Contents(string file) => _contents[file];

    /// <summary>Any file's contents, to splice from.</summary>
    public ReadOnlySpan<byte> Any(Random random) => _contents[_contents.Keys.ElementAt(random.Next(_contents.Count))];

    private static bool IsCheckpoint(string file) =>
        Path.GetExtension(file) is not (".py" or ".md") && Path.GetFileName(file) != "expected.json" && !file.EndsWith(".logits.json", StringComparison.Ordinal);

    // A folder of parts: what training and the hub leave, shards with an index, or nothing but bare tensors.
    private static bool IsOpenedWhole(string folder, string[] files) =>
        (files.Length > 0 && Path.GetDirectoryName(folder) == Path.Combine(Root, "folders"))
        || files.Any(f => f.EndsWith(".index.json", StringComparison.Ordinal))
        || (files.Length > 1 && files.All(f => f.EndsWith(".pt", StringComparison.Ordinal)) && Path.GetFileName(folder) is not ("odd" or "refused"));

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Harness.sln"))) folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("no Harness.sln above the fuzzer");
        return folder;
    }
}
