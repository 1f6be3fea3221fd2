using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Strategies;

namespace Loadline.Constrained;

/// <summary>Every case of budgets.json, each in a container or cgroup of its own.</summary>
[Trait("Category", "Constrained")]
public class BudgetTests(CappedRuns runs)
{
    private const long ToleranceBytes = 8 * ByteSize.MiB;

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        CappedRuns.Budgets.Cases.Select(c => new TheoryDataRow<string>(c.Name) { TestDisplayName = c.Name });

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Case(string name)
    {
        var budget = CappedRuns.Budgets.Cases.Single(c => c.Name == name);

        var run = await runs.RunAsync(budget, TestContext.Current.CancellationToken);

        Assert.True(run.Result.Pass, FailureText.Of(run.Result, $"{CappedRuns.Budgets.Path}:{budget.Line}"));
        if (run.Result.Outcome == Outcome.Loaded && budget.Command.IsEmpty) ShouldCostWhatTheStrategySays(budget, run);
    }

    [Fact(DisplayName = "a budget that is 10 MiB too low is missed, and the sentence says by how much and where")]
    public async Task A_budget_that_is_too_low_is_missed()
    {
        var loads = CappedRuns.Budgets.Cases.First(c => c is { Strategy: "streamed", Expect: Outcome.Loaded } && c.Device != "cpu");
        var first = await runs.RunAsync(loads, TestContext.Current.CancellationToken);
        var limit = first.Result.PeakAnonymousBytes!.Value - 10 * ByteSize.MiB;

        var run = await runs.RunAsync(loads with { PeakAnonymousBytes = limit }, TestContext.Current.CancellationToken);

        run.Result.Pass.Should().BeFalse();
        run.Result.Message.Should().MatchRegex(
            $@"^streamed of gpt2-medium on sim:4GiB was limited to {ByteSize.Format(limit)} of anonymous memory but peaked at \d+(\.\d)? MiB, (9|10)(\.\d)? MiB over, in phase read$");
    }

    private static void ShouldCostWhatTheStrategySays(BudgetCase budget, CaseRun run)
    {
        var report = run.Seen.Report!;
        var recipe = ((GeneratedCheckpoint)CappedRuns.Budgets.Checkpoints[budget.Checkpoint]).Recipe;
        var sizes = Loadline.Strategies.Models.Gpt2.TryCreate(recipe.Model, recipe.DType)!.Parameters.Select(p => recipe.DType.ByteCount(Shapes.ElementCount(p.Shape.AsSpan()))).ToList();
        var size = new LoadSizes(sizes.Sum(), sizes.Max(), budget.RingBytes ?? new LoadOptions().RingBytes);
        var predicted = StrategyCatalog.Find(budget.Strategy!).Peak(size, Device.Parse(budget.Device!));

        (report.HostBytes, report.DeviceBytes).Should().Be((predicted.HostBytes, predicted.DeviceBytes), "the engine's counts equal the table");
        (report.PeakAnonymousBytes - report.BaselineAnonymousBytes).Should().BeInRange(
            predicted.HostBytes - ToleranceBytes, predicted.HostBytes + ToleranceBytes, "the kernel saw what the engine counted");
        report.Cold.Should().BeTrue("the checkpoint's pages were evicted");
    }
}
