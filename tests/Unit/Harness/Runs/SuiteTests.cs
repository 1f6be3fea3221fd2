using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runs;

public class SuiteTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(9)]
    public async Task Results_come_in_the_order_of_the_cases(int parallel)
    {
        var cases = Cases("a", "a", "b", "c", "b");
        var results = await new Suite(new CaseRunner(new FakeRuntime(_ => FakeEnd.Loaded(9))), View(cases)).RunAsync(
            cases, parallel, TestContext.Current.CancellationToken);

        results.Select(r => r.Name).Should().Equal("0", "1", "2", "3", "4");
    }

    [Fact]
    public async Task Cases_of_one_checkpoint_never_run_at_once_and_others_do()
    {
        // "a" can only end after "b" has started beside it; a second "a" at the same time would be seen.
        using var together = new Barrier(2);
        var running = 0;
        var clashed = false;
        var runtime = new FakeRuntime(spec =>
        {
            var first = spec.Mounts[0] == "/a";
            if (first && Interlocked.Increment(ref running) > 1) clashed = true;
            together.SignalAndWait(TimeSpan.FromSeconds(30)).Should().BeTrue();
            if (first) Interlocked.Decrement(ref running);
            return FakeEnd.Loaded(9);
        });
        var cases = Cases("a", "a", "b", "b");

        await new Suite(new CaseRunner(runtime), View(cases)).RunAsync(cases, 4, TestContext.Current.CancellationToken);

        clashed.Should().BeFalse();
        runtime.Specs.Should().HaveCount(4);
    }

    [Fact]
    public async Task A_runtime_that_fails_ends_the_suite()
    {
        var cases = Cases("a", "b", "c");
        var suite = new Suite(new CaseRunner(new FakeRuntime(spec => spec.Mounts[0] == "/b" ? throw new RuntimeException("the daemon is gone") : FakeEnd.Loaded(9))), View(cases));

        await suite.Invoking(s => s.RunAsync(cases, 3, TestContext.Current.CancellationToken)).Should().ThrowAsync<RuntimeException>();
    }

    private static PlainRunView View(IEnumerable<(BudgetCase Case, string Path)> cases) => new(TextWriter.Null, [.. cases.Select(c => c.Case)]);

    private static List<(BudgetCase Case, string Path)> Cases(params string[] checkpoints) =>
    [
        .. checkpoints.Select((name, i) => (
            new BudgetCase { Name = $"{i}", Checkpoint = name, Strategy = "eager", Device = "cpu", CapBytes = 1 << 30, Expect = Outcome.Loaded, Why = "w" }, "/" + name)),
    ];
}
