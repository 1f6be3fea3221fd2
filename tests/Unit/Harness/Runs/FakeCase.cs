using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;

namespace Loadline.Unit.Harness.Runs;

/// <summary>A case whose program ends as a test has it.</summary>
internal static class FakeCase
{
    public static readonly BudgetCase Case = new()
    {
        Name = "n",
        Checkpoint = "gpt2-medium",
        Strategy = "mmap-assign",
        Device = "cpu",
        CapBytes = ByteSize.GiB,
        Expect = Outcome.Loaded,
        Why = "w",
    };

    public static Task<CaseRun> RunAsync(BudgetCase budget, FakeEnd end) =>
        new CaseRunner(new FakeRuntime(_ => end)).RunAsync(budget, "/w.pth", null, TestContext.Current.CancellationToken);
}
