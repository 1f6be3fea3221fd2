using Loadline.Harness.Budgets;
using Loadline.Harness.Comparing;
using Loadline.Harness.Results;

namespace Loadline.Constrained;

/// <summary>What the gate stands on: the gauge does not move what it measures, and growth is seen.</summary>
[Trait("Category", "Constrained")]
public class GateTests(CappedRuns runs)
{
    private const long NoiseBytes = CaseComparer.DefaultNoiseBytes;

    [Theory(DisplayName = "sampling does not move the peak")]
    [InlineData("streamed")]
    [InlineData("meta-assign")]
    public async Task Sampling_does_not_move_the_peak(string strategy)
    {
        // The last is longer than the load: only the samples at the engine's new highs are left, which take no thread and no clock.
        string[] milliseconds = ["1", "5", "50", "3600000"];
        var peaks = new List<long>();
        foreach (var interval in milliseconds)
        {
            peaks.Add((await runs.ReportAsync(OnSim(strategy), ["--interval", interval], TestContext.Current.CancellationToken)).PeakAnonymousBytes);
        }

        TestContext.Current.TestOutputHelper!.WriteLine(string.Join(", ", milliseconds.Zip(peaks, (m, p) => $"{m} ms: {p / 1024} KiB")));
        (peaks.Max() - peaks.Min()).Should().BeLessThanOrEqualTo(NoiseBytes, "peaks were {0}", string.Join(", ", peaks));
    }

    [Fact(DisplayName = "a ring that grew by 32 MiB fails the gate with the strategy, the phase and the growth")]
    public async Task A_load_that_holds_32_MiB_more_fails_the_gate()
    {
        var streamed = OnSim("streamed");
        var before = (await runs.RunAsync(streamed, TestContext.Current.CancellationToken)).Result;
        var after = (await runs.RunAsync(streamed with { RingBytes = 96 * ByteSize.MiB }, TestContext.Current.CancellationToken)).Result;

        // As if the default had grown: the case itself says nothing of its ring.
        var compared = Comparison.Of(File(before), File(after with { Ring = null })).Cases.Single();

        after.Pass.Should().BeFalse("the budget stands at 64 MiB and the process's own memory");
        after.Message.Should().MatchRegex(@"^'.*': streamed of gpt2-medium on sim:4GiB was limited to .* MiB over, in phase read");
        compared.Change.Should().Be(Change.Regressed);
        compared.Sentences[0].Should().MatchRegex(
            @"^streamed of gpt2-medium on sim:4GiB took 10\d(\.\d)? MiB of anonymous memory in phase read, 3[12](\.\d)? MiB more than the \d\d(\.\d)? MiB before; .*ring 96 MiB, 64 MiB before$");

        ResultFile File(CaseResult result) => new(ResultFile.CurrentSchema, runs.Environment, [result]);
    }

    private static BudgetCase OnSim(string strategy) => CappedRuns.Budgets.Cases.First(c => c.Strategy == strategy && c.Expect == Outcome.Loaded && c.Device != "cpu");
}
