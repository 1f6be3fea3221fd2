using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Merging;

/// <summary>Shards of one run, as machines would have written them.</summary>
internal static class Shards
{
    /// <summary>A shard of a run of the cases a, b, c and d.</summary>
    public static ResultFile Of(int number, int count, params CaseResult[] cases) => Measured.File(cases) with
    {
        Shard = new ResultShard(number, count, ["a", "b", "c", "d"]),
        Measured = $"2026-11-26 0{number}:00 UTC",
        Budgets = "budgets.json",
        BudgetsDigest = "sha256:" + new string('0', 64),
        Commit = new string('1', 40),
        Version = "0.1.0",
    };

    /// <summary>The first of two, with a and c.</summary>
    public static ResultFile First => Of(1, 2, Measured.Loaded("a"), Measured.Killed("c"));

    /// <summary>The second of two, with b and d.</summary>
    public static ResultFile Second => Of(2, 2, Measured.Loaded("b"), Measured.Missed("d"));
}
