using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Output;

public class RunSummaryTests
{
    [Fact]
    public void A_run_of_budgets_ends_in_one_line() =>
        RunSummary.OfBudgets(Results(cold: 31), TimeSpan.FromSeconds(130)).Should().Be("31 of 31 as expected in 2 min 10 s, cold, docker 20.10.24, cgroup v1");

    [Fact]
    public void Warm_cases_are_counted() =>
        RunSummary.OfBudgets(Results(cold: 30, warm: 1), TimeSpan.FromSeconds(4.2)).Should().Be(
            "31 of 31 as expected in 4.2 s, 1 of them warm, docker 20.10.24, cgroup v1");

    [Fact]
    public void A_run_of_strategies_says_which_takes_the_least_memory() =>
        RunSummary.OfStrategies(Results(cold: 3), TimeSpan.FromSeconds(4)).Should().Be(
            "2 of 3 survive 2 GiB in 4.0 s, cold, docker 20.10.24, cgroup v1; s2 takes the least memory");

    [Fact]
    public void A_run_of_strategies_counts_those_that_live_and_thrash()
    {
        var results = Results(cold: 3);
        results = results with { Cases = [results.Cases[0], results.Cases[1] with { Outcome = Outcome.Thrashed }, results.Cases[2]] };

        RunSummary.OfStrategies(results, TimeSpan.FromSeconds(4)).Should().StartWith("2 of 3 survive 2 GiB, 1 of them thrashing, in 4.0 s");
    }

    private static ResultFile Results(int cold, int warm = 0) => new(
        1,
        new RunEnvironment("6.1", 1, "docker 20.10.24, cgroup v1", "native", null, null, 2, 1),
        [
            .. Enumerable.Range(0, cold + warm).Select(i => new CaseResult
            {
                Name = "n",
                Checkpoint = "c",
                Strategy = $"s{i}",
                Cap = "2GiB",
                Why = "w",
                CapBytes = 2L << 30,
                Outcome = i == 0 ? Outcome.Killed : Outcome.Loaded,
                Pass = true,
                Cold = i < cold,
                PeakAnonymousBytes = 100 - i,
            }),
        ]);
}
