using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>What results come to, in a line.</summary>
internal static class Headline
{
    /// <summary>"31 of 31 as expected, peaks from 0.01 to 2.00 × the weights"; without expectations, how many survive.</summary>
    public static string Of(ResultFile results) =>
        RatioRange(results) is { } range ? $"{Count(results)}, peaks {range} × the weights" : Count(results);

    /// <summary>"31 of 31 as expected".</summary>
    public static string Count(ResultFile results) => results.Cases.All(c => c.Expect is null)
        ? $"{results.Cases.Count(c => c.Outcome == Outcome.Loaded)} of {results.Cases.Count} survive"
        : $"{results.Cases.Count(c => c.Pass)} of {results.Cases.Count} as expected";

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
        e.Runtime, $"engine {e.Engine}", $"kernel {e.Kernel}", e.Gpu is null ? null : $"{e.Gpu} (driver {e.Driver ?? "unknown"})", $"{e.Cores} cores", ByteSize.Format(e.RamBytes),
    }.OfType<string>());
}
