using System.Text.Json;

namespace Loadline.Unit.Checkpoints;

/// <summary>The files in tests/Fixtures, made by real PyTorch, and what it says is in them.</summary>
internal static class FixtureFiles
{
    private static readonly string Folder = Path.Combine(FindRoot(), "tests", "Fixtures");

    private static readonly JsonElement Usual = Expectations("expected.json");
    private static readonly JsonElement Odd = Expectations("odd/expected.json");

    /// <summary>Every fixture that is no refusal.</summary>
    public static TheoryData<string> Readable => [.. Usual.EnumerateObject().Select(f => f.Name), .. Odd.EnumerateObject().Select(f => "odd/" + f.Name)];

    public static string PathOf(string name) => Path.Combine(Folder, name);

    public static Dictionary<string, (string DType, long[] Shape, string Sha256)> Expected(string name) => Section(name).EnumerateObject().ToDictionary(
        t => t.Name,
        t => (
            t.Value.GetProperty("dtype").GetString()!,
            t.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray(),
            t.Value.GetProperty("sha256").GetString()!));

    private static JsonElement Section(string name) =>
        name.StartsWith("odd/", StringComparison.Ordinal) ? Odd.GetProperty(name["odd/".Length..]) : Usual.GetProperty(name);

    private static JsonElement Expectations(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, file))).RootElement;

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Harness.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
