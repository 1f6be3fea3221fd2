using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>A case that ran in a cluster, or was to.</summary>
/// <param name="Result">As any run has it.</param>
/// <param name="Seen">What its log showed and can be believed.</param>
/// <param name="IsPending">Whether it may still come to an end.</param>
internal sealed record Collected(CaseResult Result, Observation Seen, bool IsPending)
{
    private const string OthersUnread = "nobody reads a pod's cgroup from outside: leave its budget out, or hold it with `loadline run`";

    /// <summary>Judges a case by its pod and its log.</summary>
    public static Collected Of(ClusterCase one, Pod pod, PodLog log)
    {
        var end = PodEnd.Of(pod, one);
        var seen = log.WhyOther is null ? log.Seen : new Observation { LastLines = log.Seen.LastLines };
        seen = seen with { WhyUnread = one.TellsItself ? log.Loss is null ? null : $"its log {log.Loss}" : OthersUnread };

        var (outcome, problem) = Judge(one, pod, end, log, seen);
        if (problem is not null && log.Loss is not null && one.TellsItself && end.Ended is not null) problem = $"{problem}; its log {log.Loss}";
        return Of(one.Case, outcome, problem, seen, end);
    }

    /// <summary>A case of which there is no pod.</summary>
    public static Collected Missing(ClusterCase one, string file) =>
        Of(one.Case, Outcome.Error, $"there is no pod of it in {file}", new Observation(), end: null);

    private static (Outcome Outcome, string? Problem) Judge(ClusterCase one, Pod pod, PodEnd end, PodLog log, Observation seen)
    {
        if (PodChecks.WhyOther(pod, one) is { } other) return (Outcome.Error, $"its pod {pod.Metadata.Name} {other}");
        if (end.Ended is not { } ended) return (Outcome.Error, $"its pod {pod.Metadata.Name} {end.WhyNot}");
        if (log.WhyOther is { } contradiction) return (Outcome.Error, $"its log {contradiction}");
        if (seen.Report?.Seconds - CaseContradictions.SecondsOff > end.Seconds)
            return (Outcome.Error, $"its log reports {seen.Report!.Seconds:0.0} s of a container that ran for {end.Seconds:0} s");
        if (one.TellsItself && ended.ExitCode == ExitCodes.Loaded && seen.Failure is { } failure)
            return (Outcome.Error, $"its pod ended with exit code 0, and its log says that it failed: {failure.Message}");
        if (one.TellsItself && ended.KilledByCap && EndOf(seen, one.Case) is { } own) return (Outcome.Error, $"its pod was killed, and its log says that it {own}");
        return Judgement.Of(one.Case, ended with { ErrorLines = log.LastWords is { } words ? [words] : [] }, seen);
    }

    // Who is killed tells no end, but of another process that was; killed while its weights are read back it has told of the load.
    private static string? EndOf(Observation seen, BudgetCase budget) => seen.Failure is { } failure ? failure.Kind == "killed" ? null : $"failed: {failure.Message}"
        : seen.Report is not null && (seen.Verified is not null || budget.Verify is null) ? "came to its end"
        : null;

    private static Collected Of(BudgetCase budget, Outcome outcome, string? problem, Observation seen, PodEnd? end)
    {
        var (result, believed) = JudgedCase.Of(budget, (outcome, problem), seen, end?.Ended?.ExitCode, end?.Seconds ?? 0);
        return new Collected(result, believed, IsPending: end?.IsPending ?? true);
    }
}
