using System.Text.Json;
using Loadline.Harness.Curves;
using Loadline.Harness.Reports;
using Loadline.Strategies;

namespace Loadline.Unit.Documentation;

/// <summary>What the README says of floors and comforts is what was measured.</summary>
public class LoadLineRecordTests
{
    private static readonly string Record = Path.Combine(Repository.Root, "benchmarks", "record", "debian12-2cores");

    private static readonly List<JsonElement> Runs = [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(Record, "floors.json"))).RootElement.EnumerateArray()];

    [Fact]
    public void The_table_is_that_of_the_recorded_searches()
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        const string Start = "<!-- floors: benchmarks/record/debian12-2cores/floors.json -->\n", End = "<!-- /floors -->";
        var from = readme.IndexOf(Start, StringComparison.Ordinal) + Start.Length;

        readme[from..readme.IndexOf(End, from, StringComparison.Ordinal)].TrimEnd().Split('\n')[2..].Should().Equal(Rows());
    }

    [Fact]
    public void Two_searches_lie_within_2_MiB_and_comfort_close_above_the_file()
    {
        foreach (var runs in Runs.Where(run => !What(run).StartsWith("PyTorch", StringComparison.Ordinal)).GroupBy(run => (What(run), Checkpoint(run))))
        {
            var floors = runs.Select(run => Mib(run, "floorBytes")).ToList();
            var comforts = runs.Select(run => Mib(run, "comfortBytes")).ToList();
            runs.Should().HaveCount(2);
            (floors.Max() - floors.Min()).Should().BeLessThanOrEqualTo(2, $"{runs.Key}");
            (comforts.Max() - comforts.Min()).Should().BeLessThanOrEqualTo(2, $"{runs.Key}");
            if (runs.Key.Item1 != "mmap-assign") comforts.Should().Equal(floors, "what is on the accelerator is used there");
            else comforts.Should().OnlyContain(mib => mib - FileMib(runs.First()) <= 16, "the weights and the worker's own");
        }
    }

    [Fact]
    public void The_picture_is_drawn_from_the_recorded_curve_of_every_strategy_and_of_PyTorch()
    {
        var curve = CurveFile.Read(Path.Combine(Record, "curve.json"));

        File.ReadAllText(Path.Combine(Record, "curve.svg")).Should().Be(CurveChart.Draw(curve));
        curve.Lines.Should().OnlyContain(line => line.IsComplete && line.Problem == null);
        curve.Lines.Select(line => line.Name).Should().Contain(StrategyCatalog.All.Select(strategy => strategy.Name)).And.Contain(["PyTorch: load_state_dict", "PyTorch: mmap, assign", "safetensors: load_file"]);
        File.ReadAllText(Path.Combine(Repository.Root, "README.md")).Should().Contain("(benchmarks/record/debian12-2cores/curve.svg)");
    }

    [Fact]
    public void The_ends_under_both_versions_of_cgroups_are_those_of_the_recorded_curves()
    {
        var (v1, v2) = (CurveFile.Read(Path.Combine(Record, "curve-small-v1.json")), CurveFile.Read(Path.Combine(Record, "curve-small-v2.json")));
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "load-line.md"));

        (v1.Environment.CgroupVersion, v2.Environment.CgroupVersion).Should().Be((1, 2));
        foreach (var (one, two) in v1.Lines.Zip(v2.Lines))
        {
            page.Should().Contain($"| {one.Name} | {Ends(one.FloorBytes, two.FloorBytes)} | {Ends(one.ComfortBytes, two.ComfortBytes)} |");
        }

        var thrashing = v2.Lines.SelectMany(line => line.Points).Where(point => point.Reread > 0);
        thrashing.Should().NotBeEmpty().And.OnlyContain(point => point.Reread >= 0.995 && point.Reread < 1.005);
        v1.Lines[0].Points[0].Should().Match<CurvePoint>(point => point.CapBytes == 32 * ByteSize.MiB && Math.Round(point.Reread!.Value, 2) == 1.22);

        static string Ends(long? one, long? two) => $"{one / ByteSize.MiB}, {two / ByteSize.MiB}";
    }

    private static IEnumerable<string> Rows() => Runs.GroupBy(run => (What(run), Checkpoint(run))).Select(runs =>
        $"| {runs.Key.Item1} | {runs.Key.Item2} | {FileMib(runs.First()):0} | {Join(runs, "floorBytes")} | {Join(runs, "comfortBytes")} |");

    private static string Join(IEnumerable<JsonElement> runs, string member) => string.Join(", ", runs.Select(run => Mib(run, member)));

    private static string What(JsonElement run) => run.GetProperty("what").GetString()!;

    private static string Checkpoint(JsonElement run) => run.GetProperty("checkpoint").GetString()!;

    private static double FileMib(JsonElement run) => (double)run.GetProperty("checkpointBytes").GetInt64() / ByteSize.MiB;

    private static long Mib(JsonElement run, string member) => run.GetProperty("result").GetProperty(member).GetInt64() / ByteSize.MiB;
}
