using Loadline.Harness.Budgets;
using Loadline.Harness.Comparing;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;

namespace Loadline.Constrained.Faults;

/// <summary>The same inputs, again and again.</summary>
[Trait("Category", "Constrained")]
public sealed class DeterminismTests(CappedRuns runs) : IDisposable
{
    private const int Times = 20;

    private readonly TinyCases _cases = new();

    public void Dispose() => _cases.Dispose();

    [Fact(DisplayName = "twenty runs in a row give the same verdicts, and the same counts to the byte")]
    public async Task Twenty_runs_give_the_same_verdicts()
    {
        var file = BudgetFile.Read(_cases.WriteBudgets());
        var runner = new CaseRunner(runs.Runtime);
        var results = new List<CaseResult>();
        for (var i = 0; i < Times; i++)
        {
            foreach (var budget in file.Cases)
            {
                var path = _cases.At(budget.Checkpoint + ".safetensors");
                results.Add((await runner.RunAsync(budget, path, onEvent: null, TestContext.Current.CancellationToken)).Result);
            }
        }

        foreach (var same in results.GroupBy(r => r.Name))
        {
            same.Should().HaveCount(Times).And.OnlyContain(r => r.Pass, "the verdict of '{0}' is always the same", same.Key);
            same.Select(r => (r.Outcome, r.ExitCode, r.Message)).Distinct().Should().ContainSingle(same.Key);
            // Of a killed program only the last sample is known, which lies where the kill left it.
            if (same.First().Outcome == Outcome.Killed) continue;
            same.Select(r => (r.HostBytes, r.DeviceBytes, r.MappedBytes)).Distinct().Should().ContainSingle("the engine counts to the byte");
            // Nor does one that failed report its peak: what is known of it are samples by the clock, which may or may not meet what an exception takes.
            if (same.First().Outcome != Outcome.Loaded) continue;
            var peaks = same.Select(r => r.PeakAnonymousBytes!.Value).ToList();
            TestContext.Current.TestOutputHelper!.WriteLine($"{same.Key}: peaks {peaks.Min() / 1024} to {peaks.Max() / 1024} KiB");
            (peaks.Max() - peaks.Min()).Should().BeLessThanOrEqualTo(CaseComparer.DefaultNoiseBytes);
        }
    }
}
