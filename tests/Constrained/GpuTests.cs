using Loadline.Harness.Output;

namespace Loadline.Constrained;

/// <summary>Every case of budgets.gpu.json, or those of one shard, each in a container or cgroup of its own that the GPU is passed into.</summary>
[Trait("Category", "Constrained")]
[Trait("Category", "Gpu")]
public class GpuTests(CappedRuns runs)
{
    // Readers' stacks, what the driver keeps for each copy in flight, and .NET's own moves.
    private const long SlackBytes = 32 * ByteSize.MiB;

    public static IEnumerable<TheoryDataRow<string>> Cases => SuiteShard.Rows(CappedRuns.GpuBudgets);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Case(string name)
    {
        var budget = CappedRuns.GpuBudgets.Cases.Single(c => c.Name == name);

        var run = await runs.RunAsync(budget, TestContext.Current.CancellationToken);

        Assert.True(run.Result.Pass, FailureText.Of(run.Result, $"{CappedRuns.GpuBudgets.Path}:{budget.Line}"));
        if (run.Seen.Report is not { } report) return;
        report.DeviceBytes.Should().Be(budget.PeakDeviceBytes, "each weight is on the GPU as often as the strategy says, to the byte");
        if (budget.RingBytes is { } ringBytes)
        {
            (report.PeakAnonymousBytes - report.BaselineAnonymousBytes).Should().BeLessThanOrEqualTo(
                ringBytes + SlackBytes, "the host holds the ring; the worker and its CUDA context were there before the load");
        }
    }
}
