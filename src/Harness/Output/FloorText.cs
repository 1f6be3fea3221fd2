using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;
using Loadline.Harness.Results;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Output;

/// <summary>A floor, for people.</summary>
internal static class FloorText
{
    /// <summary>"streamed of gpt2.pth on sim:4GiB survives 74 MiB, 3 times in a row: 9 probes in 40.1 s, docker 20.10.24, cgroup v1".</summary>
    public static string Of(BudgetCase load, FloorResult result, IReadOnlyList<CaseResult> probes, TimeSpan took, string runtime)
    {
        var warm = probes.Count(p => p.Cold == false);
        var line = $"{load.Subject} survives {SizeText.InWords(result.FloorBytes)}, {FloorSearch.NeededInARow} times in a row: "
            + $"{probes.Count} probes in {RunSummary.Duration(took)}{(warm > 0 ? $", {warm} of them warm" : ", cold")}, {runtime}";
        return result.FloorBytes > WorkerMemory.Of(load.Engine).FloorBytes
            ? line
            : line + "\nthat is the floor of the worker's own runtime: below it the worker thrashes, whatever it loads";
    }
}
