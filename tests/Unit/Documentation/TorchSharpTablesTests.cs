using System.Text.Json;
using Loadline.Strategies;

namespace Loadline.Unit.Documentation;

/// <summary>The README's tables of loads into TorchSharp's modules are those of a record.</summary>
public sealed class TorchSharpTablesTests : IDisposable
{
    private const string Record = "benchmarks/record/debian12-2cores/torchsharp.json";

    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    private readonly JsonDocument _modules = Read(Record);
    private readonly JsonDocument _native = Read("benchmarks/record/debian12-2cores/budgets.json");

    public void Dispose()
    {
        _modules.Dispose();
        _native.Dispose();
    }

    [Fact]
    public void Every_strategy_stands_beside_the_native_engine()
    {
        var native = Cases(_native).Where(c => Text(c, "device") == "cpu" && !c.TryGetProperty("engine", out _)).ToList();
        var modules = Cases(_modules).Where(c => Text(c, "name").Contains(" into a TorchSharp module ", StringComparison.Ordinal)).ToList();

        Table("strategies").Should().Equal(StrategyCatalog.All.Select(s => $"| `{s.Name}` | {Peak(Of(native, s.Name))} | {Peak(Of(modules, s.Name))} | {KilledUnder(Of(modules, s.Name))} |"));
    }

    [Fact]
    public void Every_way_that_NET_has_is_measured()
    {
        var ways = Cases(_modules).Where(c => Text(c, "name").Contains(": ", StringComparison.Ordinal)).GroupBy(c => Text(c, "name").Split(" survives ")[0].Split(" is killed ")[0]).ToList();

        ways.Should().HaveCount(6);
        Table("ways").Should().Equal(ways.Select(way => $"| {way.Key} | {Peak(way)} | {ByteSize.Format(Loaded(way).GetProperty("capBytes").GetInt64())} | {KilledUnder(way)} |"));
    }

    private static JsonDocument Read(string path) => JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, path)));

    private static IEnumerable<JsonElement> Cases(JsonDocument record) => record.RootElement.GetProperty("cases").EnumerateArray();

    private static IEnumerable<JsonElement> Of(IEnumerable<JsonElement> cases, string strategy) => cases.Where(c => Text(c, "strategy") == strategy);

    private static string Text(JsonElement result, string member) => result.TryGetProperty(member, out var text) ? text.GetString() ?? "" : "";

    private static JsonElement Loaded(IEnumerable<JsonElement> cases) => cases.First(c => Text(c, "outcome") == "loaded");

    private static string Peak(IEnumerable<JsonElement> cases) => $"{(double)Loaded(cases).GetProperty("peakAnonymousBytes").GetInt64() / ByteSize.MiB:0}";

    private static string KilledUnder(IEnumerable<JsonElement> cases) =>
        cases.Where(c => Text(c, "outcome") == "killed").Select(c => ByteSize.Format(c.GetProperty("capBytes").GetInt64())).FirstOrDefault() ?? "–";

    private static string[] Table(string name)
    {
        var start = $"<!-- torchsharp {name}: {Record} -->\n";
        var from = Readme.IndexOf(start, StringComparison.Ordinal);
        from.Should().BePositive($"the README has '{start.TrimEnd()}'");
        return Readme[(from + start.Length)..Readme.IndexOf("<!-- /torchsharp", from, StringComparison.Ordinal)].TrimEnd().Split('\n')[2..];
    }
}
