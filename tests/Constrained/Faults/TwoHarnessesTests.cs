using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Constrained.Faults;

/// <summary>Several runs at once on one machine: of two harnesses, and of one that runs cases in parallel.</summary>
[Trait("Category", "Constrained")]
public sealed class TwoHarnessesTests(CappedRuns runs) : IDisposable
{
    private const int Times = 2;

    private readonly TinyCases _cases = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _cases.Dispose();

    [Theory(DisplayName = "two harnesses at once give the verdicts of one alone, and neither sweeps what the other runs")]
    [InlineData("one", "another")]
    [InlineData("shared", "shared")]
    public async Task Two_harnesses_at_once(string firstCache, string secondCache)
    {
        var budgets = WithGenerated(_cases.WriteBudgets());
        using var first = Start(firstCache, "first.json", budgets);
        using var second = Start(secondCache, "second.json", budgets);

        var ends = await Task.WhenAll(first.EndAsync(Cancellation), second.EndAsync(Cancellation));

        ends.Should().AllSatisfy(end => end.ExitCode.Should().Be(0, end.Error));
        Verdicts("first.json").Should().Equal(Verdicts("second.json")).And.HaveCount(TinyCases.All.Count + 1);
        foreach (var harness in (LoadlineProcess[])[first, second]) await new LeftBehind(runs.CommandLineRuntime, harness.Owner).ShouldBeNothingAsync(Cancellation);
    }

    [Fact(DisplayName = "four cases at once give the verdicts of one at a time")]
    public async Task Four_cases_at_once()
    {
        var budgets = _cases.WriteBudgets(Times);
        foreach (var parallel in (string[])["1", "4"])
        {
            using var harness = Start("cache", parallel + ".json", budgets, "--parallel", parallel);
            var (exitCode, error) = await harness.EndAsync(Cancellation);
            exitCode.Should().Be(0, error);
        }

        Verdicts("4.json").Should().Equal(Verdicts("1.json")).And.HaveCount(Times * TinyCases.All.Count);
    }

    private LoadlineProcess Start(string cache, string results, string budgets, params string[] more) =>
        LoadlineProcess.Start(_cases.At(cache), ["run", "--budgets", budgets, "--runtime", runs.CommandLineRuntime, "--results", _cases.At(results), .. more]);

    // To the byte, what the engine counted too; of a killed program only the last sample is known, which lies where the kill left it.
    private List<(string, Outcome, bool, long?, long?)> Verdicts(string results) =>
    [
        .. ResultFile.Read(_cases.At(results)).Cases.Select(
            c => (c.Name, c.Outcome, c.Pass, c.Outcome == Outcome.Killed ? null : c.HostBytes, c.Outcome == Outcome.Killed ? null : c.DeviceBytes)),
    ];

    // One that both harnesses have to make first.
    private static string WithGenerated(string budgets)
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(budgets))!;
        json["checkpoints"]!["made"] = System.Text.Json.Nodes.JsonNode.Parse("""{ "model": "gpt2-small", "format": "safetensors", "dtype": "bfloat16" }""");
        json["cases"]!.AsArray().Add(System.Text.Json.Nodes.JsonNode.Parse(
            """{ "name": "made", "checkpoint": "made", "strategy": "mmap-assign", "device": "cpu", "cap": "64MiB", "verify": "digest", "expect": "loaded", "why": "w" }"""));
        File.WriteAllText(budgets, json.ToJsonString());
        return budgets;
    }
}
