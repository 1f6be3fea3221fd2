using System.Text.Json;
using Loadline.Benchmarks;
using Loadline.Benchmarks.Gpu;
using Loadline.Strategies;

namespace Loadline.Unit.Documentation;

/// <summary>The README says what was measured and what compiles; nothing rewrites it silently.</summary>
public class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public void Its_table_is_the_recorded_measurement_of_every_strategy()
    {
        var record = Between("<!-- measured: ", " -->");
        using var results = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, record)));
        var cases = results.RootElement.GetProperty("cases").EnumerateArray().ToList();

        var rows = StrategyCatalog.All.Select(s => $"| `{s.Name}` | {s.Summary} | {Cells(cases, s.Name, "cpu")} | {Cells(cases, s.Name, "sim:4GiB")} |");

        Between($"<!-- measured: {record} -->\n", "<!-- /measured -->").TrimEnd().Split('\n')[2..].Should().Equal(rows);
    }

    [Fact]
    public void Its_times_beside_others_are_the_recorded_ones()
    {
        var path = Between("<!-- beside: ", " -->");
        var record = PeersRecord.Read(Path.Combine(Repository.Root, path));

        Between($"<!-- beside: {path} -->\n", "<!-- /beside -->").TrimEnd().Split('\n')[2..].Should().Equal(ReadmeTable.Rows(record, "gpt2-medium"));
    }

    [Fact]
    public void Its_times_onto_a_GPU_are_the_recorded_ones()
    {
        var folder = Between("<!-- gpu: ", " -->");
        var record = GpuRecordFile.Find(Path.Combine(Repository.Root, folder))!;

        Between($"<!-- gpu: {folder} -->\n", "<!-- /gpu -->").TrimEnd().Split('\n')[2..].Should().Equal(GpuReadmeTable.Rows(record, "llama-3-8b"));
    }

    [Fact]
    public void Its_code_is_the_snippet_that_the_tests_run() =>
        Between("```csharp\nusing Loadline.Strategies;\nusing Loadline.Tensors;\n\n", "```").Trim().Should().Be(Snippet());

    private static string Cells(List<JsonElement> cases, string strategy, string device)
    {
        var own = cases.Where(c => c.GetProperty("strategy").GetString() == strategy && c.GetProperty("device").GetString() == device).ToList();
        var loaded = own.First(c => c.GetProperty("outcome").GetString() == "loaded");
        var killed = own.FirstOrDefault(c => c.GetProperty("outcome").GetString() == "killed");
        var cap = killed.ValueKind == JsonValueKind.Undefined ? "–" : ByteSize.Format(killed.GetProperty("capBytes").GetInt64());
        return $"{Mebibytes(loaded, "peakAnonymousBytes")} | {Mebibytes(loaded, "peakRssBytes")} | {cap}";
    }

    private static string Mebibytes(JsonElement result, string member) => $"{(double)result.GetProperty(member).GetInt64() / ByteSize.MiB:0}";

    private static string Between(string start, string end)
    {
        var from = Readme.IndexOf(start, StringComparison.Ordinal) + start.Length;
        return Readme[from..Readme.IndexOf(end, from, StringComparison.Ordinal)];
    }

    // The body of the method between the markers, at the margin.
    private static string Snippet()
    {
        var source = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Unit", "Documentation", "ReadmeSnippet.cs"));
        var body = source.SkipWhile(l => !l.Contains("// <readme>")).Skip(1).TakeWhile(l => !l.Contains("// </readme>"));
        return string.Join("\n", body.Select(l => l.Length >= 8 ? l[8..] : l)).Trim();
    }
}
