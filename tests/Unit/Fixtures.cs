using System.Text.Json;

namespace Loadline.Unit;

/// <summary>The files in tests/Fixtures, made by real PyTorch, and what it says is in them.</summary>
internal static class Fixtures
{
    private static readonly JsonElement Usual = Expectations("expected.json");
    private static readonly JsonElement Odd = Expectations("odd/expected.json");
    private static readonly JsonElement InFolders = Expectations("folders/expected.json");
    private static readonly JsonElement Wild = Expectations("wild/expected.json");

    /// <summary>Every fixture that is no refusal.</summary>
    public static TheoryData<string> Readable => [.. Usual.EnumerateObject().Select(f => f.Name), .. Odd.EnumerateObject().Select(f => "odd/" + f.Name)];

    /// <summary>Folders that are no format of their own, as training and the hub leave them.</summary>
    public static TheoryData<string> Folders => [.. InFolders.EnumerateObject().Select(f => "folders/" + f.Name)];

    /// <summary>Checkpoints as other programs leave them: each opens, at least in part.</summary>
    public static TheoryData<string> OfOthers => [.. Wild.EnumerateObject().Select(f => "wild/" + f.Name)];

    /// <summary>The tensors of one of <see cref="OfOthers"/> that cannot be loaded.</summary>
    public static string[] Unloadable(string name) =>
        Wild.GetProperty(name["wild/".Length..]).TryGetProperty("unloadable", out var names) ? [.. names.EnumerateArray().Select(n => n.GetString()!)] : [];

    public static string Path(string name) => System.IO.Path.Combine(Repository.Root, "tests", "Fixtures", name);

    public static Dictionary<string, (string DType, long[] Shape, string Sha256)> Expected(string name) => Section(name).EnumerateObject().ToDictionary(
        t => t.Name,
        t => (
            t.Value.GetProperty("dtype").GetString()!,
            t.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray(),
            t.Value.GetProperty("sha256").GetString()!));

    private static JsonElement Section(string name) =>
        name.StartsWith("folders/", StringComparison.Ordinal) ? InFolders.GetProperty(name["folders/".Length..])
        : name.StartsWith("wild/", StringComparison.Ordinal) ? Wild.GetProperty(name["wild/".Length..]).GetProperty("tensors")
        : name.StartsWith("odd/", StringComparison.Ordinal) ? Odd.GetProperty(name["odd/".Length..]) : Usual.GetProperty(name);

    private static JsonElement Expectations(string file) => JsonDocument.Parse(File.ReadAllText(Path(file))).RootElement;
}
