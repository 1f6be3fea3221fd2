using Loadline.Constrained.Faults;
using Loadline.Harness.Budgets;
using Loadline.Harness.Comparing;
using Loadline.Harness.Results;

namespace Loadline.Constrained;

/// <summary>A run in shards, on the runtime of this suite, is the run.</summary>
[Trait("Category", "Constrained")]
public sealed class ShardTests(CappedRuns runs) : IDisposable
{
    private readonly TinyCases _cases = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _cases.Dispose();

    [Fact(DisplayName = "a run in three shards, put together, has the cases, the verdicts and the peaks of the whole run")]
    public async Task Three_shards_are_the_run()
    {
        var budgets = _cases.WriteBudgets(times: 2);
        await RunAsync("whole.json", budgets);
        // What the first run took balances the others.
        foreach (var number in (string[])["1", "2", "3"]) await RunAsync(number + ".json", budgets, "--shard", number + "/3", "--balance-by", _cases.At("whole.json"));
        await LoadlineAsync("report", _cases.At("2.json"), _cases.At("3.json"), _cases.At("1.json"), "--results", _cases.At("together.json"), "--gate");

        var (whole, together) = (ResultFile.ReadWhole(_cases.At("whole.json")), ResultFile.ReadWhole(_cases.At("together.json")));
        together.MergedFrom!.Sum(part => part.Cases).Should().Be(2 * TinyCases.All.Count);
        together.Cases.Select(c => (c.Name, c.Outcome, c.Pass)).Should().Equal(whole.Cases.Select(c => (c.Name, c.Outcome, c.Pass)));
        foreach (var (one, other) in whole.Cases.Zip(together.Cases).Where(pair => pair.First.Outcome == Outcome.Loaded))
        {
            (other.HostBytes, other.DeviceBytes).Should().Be((one.HostBytes, one.DeviceBytes));
            other.PeakAnonymousBytes!.Value.Should().BeCloseTo(one.PeakAnonymousBytes!.Value, (ulong)CaseComparer.DefaultNoiseBytes);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    public void The_shards_of_the_suite_are_the_suite(int count)
    {
        var rows = Enumerable.Range(1, count).SelectMany(number => SuiteShard.Rows(CappedRuns.Budgets, new Shard(number, count), balanceBy: null));

        rows.Select(row => row.Data).Should().BeEquivalentTo(CappedRuns.Budgets.Cases.Select(c => c.Name));
    }

    [Fact]
    public void A_shard_without_a_case_is_a_test_that_is_skipped_and_says_why()
    {
        var last = CappedRuns.Budgets.Cases.Count + 1;

        var rows = SuiteShard.Rows(CappedRuns.Budgets, new Shard(last, last), balanceBy: null);

        rows.Should().ContainSingle().Which.Skip.Should().StartWith($"shard {last}/{last} has no case: ");
    }

    private Task RunAsync(string results, string budgets, params string[] more) =>
        LoadlineAsync(["run", "--budgets", budgets, "--runtime", runs.CommandLineRuntime, "--results", _cases.At(results), .. more]);

    private async Task LoadlineAsync(params string[] arguments)
    {
        using var loadline = LoadlineProcess.Start(_cases.At("cache"), arguments);
        var (exitCode, error) = await loadline.EndAsync(Cancellation);
        exitCode.Should().Be(0, error);
    }
}
