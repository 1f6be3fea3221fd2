using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>What results come to, in a line.</summary>
internal static class Headline
{
    private const int MaxCheckpoints = 3;
    private const int CommitCharacters = 12;

    /// <summary>"31 of 31 as expected, peaks from 0.01 to 2.00 × the weights"; without expectations, how many survive.</summary>
    public static string Of(ResultFile results) =>
        RatioRange(results) is { } range ? $"{Count(results)}, peaks {range} × the weights" : Count(results);

    /// <summary>"31 of 31 as expected"; "shard 2/4: 8 of 8 as expected".</summary>
    public static string Count(ResultFile results)
    {
        if (results.Cases.Count == 0) return RunSummary.NoCase(results);
        var shard = results.Shard is { } part ? $"shard {part.Shard}: " : "";
        return shard + (results.Cases.All(c => c.Expect is null)
            ? $"{results.Cases.Count(c => c.Outcome.Lives())} of {results.Cases.Count} survive{Cap(results)}"
            : RunSummary.AsExpected(results));
    }

    /// <summary>What was measured, when and by what: "model.safetensors, 119 MiB, measured 2026-11-26 05:30 UTC by Loadline 0.1.0, held against budgets.json, commit 0123456789ab".</summary>
    public static string Subject(ResultFile results) => string.Join(", ", ((string?[])
    [
        .. results.Cases.Where(c => c.Checkpoint != "").GroupBy(c => c.Checkpoint).Take(MaxCheckpoints + 1).Select((group, i) => i < MaxCheckpoints
            ? group.Key + (group.Select(c => c.WeightBytes).FirstOrDefault(bytes => bytes is not null) is { } bytes ? $", {ByteSize.Format(bytes)}" : "")
            : "others"),
        results.Measured is { } when ? $"measured {when}{(results.Version is { } version ? $" by Loadline {version}" : "")}" : null,
        results.Budgets is { } file ? $"held against {file}" : null,
        results.Commit is { } commit ? $"commit {commit[..Math.Min(CommitCharacters, commit.Length)]}" : null,
    ]).OfType<string>());

    private static string Cap(ResultFile results) =>
        // One after the other, and in no set: a file may choose numbers that have one hash.
        results.Cases is [var first, ..] && results.Cases.All(c => c.CapBytes == first.CapBytes) ? $" {SizeText.InWords(first.CapBytes)}" : "";

    /// <summary>The least and the greatest peak of the loads that ended well, over their weights: "0.01 to 2.00"; null where none did.</summary>
    public static string? RatioRange(ResultFile results)
    {
        var ratios = results.Cases.Select(CaseRow.RatioOf).OfType<double>().ToList();
        if (ratios.Count == 0) return null;
        var (least, most) = (CaseRow.RatioText(ratios.Min()), CaseRow.RatioText(ratios.Max()));
        return least == most ? least : $"{least} to {most}";
    }

    /// <summary>Where it was measured: "docker 20.10.24, cgroup v1, engine native, kernel 6.1.0, 2 cores, 24 GiB".</summary>
    public static string Environment(RunEnvironment e) => string.Join(", ", new[]
    {
        e.Runtime, $"engine {e.Engine}", $"kernel {e.Kernel}", e.Gpu is null ? null : $"{e.Gpu} (driver {e.Driver ?? "unknown"})", e.Cores > 0 ? $"{e.Cores} cores" : null, e.RamBytes > 0 ? ByteSize.Format(e.RamBytes) : null,
    }.OfType<string>());
}
