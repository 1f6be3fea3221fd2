using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors.Limits;

namespace Loadline.Constrained;

/// <summary>Every case of budgets.json, or those of one shard, each in a container or cgroup of its own.</summary>
[Trait("Category", "Constrained")]
public class BudgetTests(CappedRuns runs)
{
    private const long ToleranceBytes = 8 * ByteSize.MiB;

    public static IEnumerable<TheoryDataRow<string>> Cases => SuiteShard.Rows(CappedRuns.Budgets);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Case(string name)
    {
        var budget = CappedRuns.Budgets.Cases.Single(c => c.Name == name);

        var run = await runs.RunAsync(budget, TestContext.Current.CancellationToken);

        Assert.True(run.Result.Pass, FailureText.Of(run.Result, $"{CappedRuns.Budgets.Path}:{budget.Line}"));
        if (budget.Command.IsEmpty) ShouldBeAsPlanned(budget, run);
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
            $@"^'.*': streamed of gpt2-medium on sim:4GiB was limited to {ByteSize.Format(limit)} of anonymous memory but peaked at \d+(\.\d)? MiB, (9|10)(\.\d)? MiB over, in phase read$");
    }

    private void ShouldBeAsPlanned(BudgetCase budget, CaseRun run)
    {
        using var checkpoint = Checkpoint.Open(runs.PathOf(budget, TestContext.Current.CancellationToken));
        var options = budget.Options();
        var plan = Planner.Plan(checkpoint, options, new MemoryLimits(budget.CapBytes / budget.Processes, options.Devices.Sum(d => d.CapacityBytes)));
        var planned = plan.Strategies.Single(s => s.Strategy == (budget.Strategy == "auto" ? plan.Choice : budget.Strategy));

        planned.Fits.Should().Be(run.Result.Outcome.Lives(), $"the plan says that it {planned.Why}");
        if (run.Seen.Report is not { } report) return;
        report.Choice.Should().Be(budget.Strategy == "auto" ? plan.Choice : null);
        var (host, tolerance) = (budget.Processes * planned.HostBytes, budget.Processes * ToleranceBytes);
        var counted = host - budget.Processes * WorkerMemory.Of(budget.Engine).OwnBytes;
        if (budget.Computes)
        {
            // Computing is no part of a plan: it adds copies within its limit, which the engine counts, and activations, which only the kernel sees.
            var copies = budget.ResidentBytes ?? 0;
            report.HostBytes.Should().BeInRange(counted, counted + copies);
            report.PeakAnonymousBytes.Should().BeInRange(host - tolerance, host + copies + 2 * tolerance);
        }
        else
        {
            (report.HostBytes, report.DeviceBytes).Should().Be((counted, planned.DeviceBytes), "the engine's counts are the plan's");
            report.PeakAnonymousBytes.Should().BeInRange(host - tolerance, host + tolerance, "the kernel saw what was planned, the workers' own memory included");
        }

        report.Cold.Should().BeTrue("the checkpoint's pages were evicted");
    }
}
