using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Constrained.Faults;

/// <summary>A worker that somebody kills, not the cap, in any phase of a load.</summary>
[Trait("Category", "Constrained")]
public sealed class WorkerKilledTests(CappedRuns runs) : IDisposable
{
    private readonly TinyCases _cases = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _cases.Dispose();

    [Theory(DisplayName = "a worker that is killed in a phase is an error that names it, and leaves nothing")]
    [InlineData("start", "eager")]
    [InlineData("open", "eager")]
    [InlineData("skeleton", "eager")]
    [InlineData("read", "eager")]
    [InlineData("copy", "eager")]
    [InlineData("assign", "meta-assign")]
    [InlineData("verify", "eager")]
    public async Task A_worker_that_is_killed_says_where_it_died(string phase, string strategy)
    {
        var (budget, runner) = (TinyCases.Loading(strategy), new CaseRunner(runs.Runtime));
        var spec = WorkerCommand.Of(budget, _cases.Tiny);
        var left = new LeftBehind(runs.CommandLineRuntime, Owner.Self);
        var kill = Task.FromResult(false);

        var run = await runner.RunAsync(budget, spec with { Command = [.. spec.Command, "--hold-at", phase] }, cold: null, KillAtPhase, Cancellation);

        (await kill).Should().BeTrue("the worker stood still in its phase");
        run.Result.Should().BeEquivalentTo(new { Outcome = Outcome.Error, Pass = false, ExitCode = ExitCodes.Killed });
        run.Seen.LastPhase.Should().Be(phase == "start" ? null : phase);
        run.Result.Message.Should().EndWith(
            $"but ended in error{(phase == "start" ? "" : $" in phase {phase}")}: SIGKILL ended it, but not the cap: the kernel counted no kill for memory");
        await left.ShouldBeNothingAsync(Cancellation);
        var next = await runner.RunAsync(budget, spec, cold: null, onEvent: null, Cancellation);
        next.Result.Pass.Should().BeTrue(next.Result.Message);

        void KillAtPhase(WorkerEvent e)
        {
            if ((e is StartEvent ? "start" : (e as PhaseEvent)?.Phase) == phase) kill = Task.Run(() => left.KillAsync(Cancellation), Cancellation);
        }
    }
}
