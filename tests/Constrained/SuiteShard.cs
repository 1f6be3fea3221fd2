using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Constrained;

/// <summary>
/// The part of a budget file's cases that this machine runs: <c>LOADLINE_SHARD=2/4</c>, and <c>LOADLINE_BALANCE_BY</c> names earlier results whose seconds
/// balance the parts. Tests that are no case run on every machine.
/// </summary>
internal static class SuiteShard
{
    /// <summary>Which; null where all cases run here.</summary>
    /// <exception cref="Harness.InputException">It is written in another way: a suite that ran all of its cases, or none, would be green for the wrong reason.</exception>
    public static Shard? Asked => Variable("LOADLINE_SHARD") is { } text ? Shard.Parse(text) : null;

    /// <summary>A row for each case of this shard; where it has none, one that is skipped and says so.</summary>
    public static IEnumerable<TheoryDataRow<string>> Rows(BudgetFile file) => Rows(file, Asked, Variable("LOADLINE_BALANCE_BY"));

    /// <summary>The same for a shard that nobody asked for.</summary>
    public static IEnumerable<TheoryDataRow<string>> Rows(BudgetFile file, Shard? shard, string? balanceBy)
    {
        var cases = shard is null ? file.Cases : ShardedCases.Of(file.Cases, shard, balanceBy).Cases;
        return cases.Count > 0
            ? cases.Select(c => new TheoryDataRow<string>(c.Name) { Label = c.Name })
            : [new TheoryDataRow<string>("") { Label = $"shard {shard}", Skip = $"shard {shard} has no case: {file.Path} has {file.Cases.Count}" }];
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
