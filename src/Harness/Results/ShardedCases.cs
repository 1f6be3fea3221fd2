using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>The cases of a run that one machine takes.</summary>
/// <param name="Cases">In the order of the run; none where there are more shards than work.</param>
/// <param name="Shard">What the results say of it.</param>
internal sealed record ShardedCases(IReadOnlyList<BudgetCase> Cases, ResultShard Shard)
{
    /// <summary>Cuts a run into shards and takes one.</summary>
    /// <param name="all">The whole run's.</param>
    /// <param name="shard">Which.</param>
    /// <param name="balanceBy">Results of an earlier run, whose seconds balance the shards; null counts each case the same.</param>
    /// <exception cref="InputException">These results cannot be read, or have none of the cases.</exception>
    public static ShardedCases Of(IReadOnlyList<BudgetCase> all, Shard shard, string? balanceBy)
    {
        string? digest = null;
        Func<BudgetCase, long> weightOf = _ => 1;
        if (balanceBy is not null)
        {
            var results = ResultFile.Read(balanceBy, out digest);
            results.RefuseUnended(balanceBy);
            weightOf = CaseDurations.Of(results, balanceBy, all).Of;
        }

        var cases = ShardPlan.Of(all, shard.Count, weightOf)[shard.Number - 1];
        return new ShardedCases(cases, new ResultShard(shard.Number, shard.Count, [.. all.Select(c => c.Name)]) { BalancedBy = digest });
    }
}
