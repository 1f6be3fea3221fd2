using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;
using Loadline.Harness.Results;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Output;

/// <summary>A floor, for people.</summary>
internal static class FloorText
{
    /// <summary>
    /// "mmap-assign of gpt2.pth on cpu survives 32 MiB, 3 times in a row, and is at ease from 700 MiB on: 19 probes in 40.1 s, docker 20.10.24, cgroup v1".
    /// </summary>
    public static string Of(BudgetCase load, FloorResult result, IReadOnlyList<CaseResult> probes, TimeSpan took, string runtime)
    {
        var (warm, cold) = (probes.Count(p => p.Cold == false), probes.Count(p => p.Cold == true));
        var line = $"{load.Subject} survives {SizeText.InWords(result.FloorBytes)}, {FloorSearch.NeededInARow} times in a row{Comfort(result)}: "
            + $"{probes.Count} probes in {RunSummary.Duration(took)}{(warm > 0 ? $", {warm} of them warm" : cold > 0 ? ", cold" : "")}, {runtime}";
        if (!load.Command.IsEmpty) return line;
        return result.FloorBytes > WorkerMemory.Of(load.Engine).FloorBytes
            ? line
            : line + "\nthat is the floor of the worker's own runtime: below it the worker thrashes, whatever it loads";
    }

    private static string Comfort(FloorResult result) => result switch
    {
        { ComfortBytes: { } bytes } when bytes == result.FloorBytes => ", and is at ease there",
        { ComfortBytes: { } bytes } => $", and is at ease from {SizeText.InWords(bytes)} on",
        _ when result.Probes.All(probe => probe.Reread is null) => "; where it is at ease cannot be told, because nobody counts what it reads",
        _ => "; with all of the RAM it reads again, too",
    };
}
