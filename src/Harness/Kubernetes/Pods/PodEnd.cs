using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>How a case's container ended, by what the cluster says.</summary>
internal sealed record PodEnd
{
    /// <summary>The reason of a container that the kernel killed for memory.</summary>
    public const string OomKilled = "OOMKilled";

    private const string Completed = "Completed";
    private const int MostMessageChars = 300;

    // RFC 3339, as all times of Kubernetes are.
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK";

    /// <summary>How much later than its deadline a busy node may end a container, or two of its clocks disagree.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(5);

    private static readonly HashSet<string> ImageReasons =
    [
        "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed",
    ];

    /// <summary>Its end; null where it had none that says anything of the case.</summary>
    public ContainerOutcome? Ended { get; private init; }

    /// <summary>Why not, as the rest of a sentence.</summary>
    public string? WhyNot { get; private init; }

    /// <summary>Whether it may still come to an end.</summary>
    public bool IsPending { get; private init; }

    /// <summary>From the container's start to its end, in whole seconds; null where nobody has told.</summary>
    public double? Seconds { get; private init; }

    /// <summary>Reads a pod's status. What the cluster did to the pod comes before what the container came to: then that says nothing of the cap.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="one">Its case. Where its program is the worker, that says itself what became of its own processes.</param>
    public static PodEnd Of(Pod pod, ClusterCase one)
    {
        var (status, container) = (pod.Status, pod.CaseStatus);
        if (status.ContainerStatuses?.Count(c => c.Name == PodManifest.Container) > 1) return Error($"has two states of a container '{PodManifest.Container}'");
        if (container?.State is { Terminated: not null } state && (state.Waiting is not null || state.Running is not null))
            return Error("has ended by its cluster's word, and has not");
        if (container is { RestartCount: not 0 }) return Error($"was restarted {container.RestartCount} times, and only the last start is known");
        if (status.Reason == "DeadlineExceeded") return Late(container);
        if (status.Reason == "Evicted") return Error(With("was evicted by its node, which says nothing of its cap", status.Message));
        if (status.Reason is { Length: > 0 } reason) return Error(With($"was ended by the cluster ({reason})", status.Message));
        if (status.Conditions?.FirstOrDefault(c => c is { Type: "DisruptionTarget", Status: "True" }) is { } disrupted)
            return Error(With($"was ended by the cluster ({disrupted.Reason})", disrupted.Message));
        if (container?.State?.Terminated is { } terminated)
        {
            if (IsInMotion(status)) return new PodEnd { WhyNot = $"has ended, and its pod has not (phase {status.Phase})", IsPending = true };
            var doubt = WhyNotBelieved(terminated, status, one.TellsItself) ?? WhyNotByCap(terminated) ?? WhyNoTimes(terminated, one.Case.Timeout);
            return doubt is null ? Of(terminated, one.TellsItself) : Error(doubt);
        }

        return status.Phase is "Succeeded" or "Failed" ? Error($"has no container '{PodManifest.Container}' that ended") : Pending(status, container);
    }

    private static PodEnd Of(TerminatedState terminated, bool tellsItself)
    {
        // A program that goes on without the process that the kernel took from it has not survived its cap.
        var killedByCap = Is(terminated.Reason, OomKilled) && (terminated.ExitCode == ExitCodes.Killed || !tellsItself);
        var ended = new ContainerOutcome(terminated.ExitCode, killedByCap, TimedOut: false, []);
        return new PodEnd { Ended = ended, Seconds = Between(terminated.StartedAt, terminated.FinishedAt) };
    }

    // Whoever injects a container into pods has one that may outlive the case, fail after it, or not start.
    private static IEnumerable<ContainerStatus> Others(PodStatus status) => (status.ContainerStatuses ?? []).Where(c => c.Name != PodManifest.Container);

    // For a moment a pod is behind its containers.
    private static bool IsInMotion(PodStatus status) => status.Phase is "Running" or "Pending" && Others(status).All(c => c.State?.Terminated is not null);

    /// <summary>What no cluster says of a container that ended, as the rest of a sentence, or what says nothing of the case; null where it can be.</summary>
    private static string? WhyNotBelieved(TerminatedState ended, PodStatus status, bool tellsItself)
    {
        if (Is(ended.Reason, "StartError") || Is(ended.Reason, "ContainerCannotRun")) return With($"could not be started ({ended.Reason})", ended.Message);
        if (Is(ended.Reason, "ContainerStatusUnknown")) return With("has an end that its node does not know", ended.Message);
        if (status.Phase is not ("Succeeded" or "Failed" or "Running" or "Pending")) return $"has ended, and its pod is in phase {status.Phase ?? "none"}";
        if (ended.Signal != 0 && ended.ExitCode != 128 + (long)ended.Signal) return $"has exit code {ended.ExitCode} and signal {ended.Signal}";
        if (status.Phase == "Failed" && ended.ExitCode == 0 && !Others(status).Any(c => c.State?.Terminated is { ExitCode: not 0 }))
            return "has exit code 0 and phase Failed";
        if (status.Phase == "Succeeded" && ended.ExitCode != 0) return $"has exit code {ended.ExitCode} and phase Succeeded";
        return IsOtherReason(ended, tellsItself) ? $"has exit code {ended.ExitCode} and the reason {ended.Reason}" : null;
    }

    private static string? WhyNotByCap(TerminatedState ended)
    {
        if (ended.ExitCode != ExitCodes.Killed || Is(ended.Reason, OomKilled)) return null;
        var said = string.IsNullOrEmpty(ended.Reason) ? "nothing of memory" : $"'{ended.Reason}'";
        return $"was ended by SIGKILL, but not by its cap: the cluster says {said} and not {OomKilled}";
    }

    // A node that has lost a container, and so its times, says so by a reason of its own.
    private static string? WhyNoTimes(TerminatedState ended, TimeSpan timeout)
    {
        if (Time(ended.StartedAt) is not { } from || Time(ended.FinishedAt) is not { } to)
            return $"ended at {ended.FinishedAt ?? "no time"}, and started at {ended.StartedAt ?? "no time"}";
        if (to < from) return $"ended at {ended.FinishedAt}, and started at {ended.StartedAt}";
        return to - from > timeout + Slack ? $"ran from {ended.StartedAt} to {ended.FinishedAt}, longer than its timeout of {timeout.TotalSeconds:0} s lets it" : null;
    }

    // A worker in its own words ends by its own code, and not by the kernel's hand: who is killed beside it, it tells.
    private static bool IsOtherReason(TerminatedState ended, bool tellsItself) => Is(ended.Reason, OomKilled) ? tellsItself && ended.ExitCode != ExitCodes.Killed
        : ended.ExitCode == 0 ? !string.IsNullOrEmpty(ended.Reason) && !Is(ended.Reason, Completed)
        : Is(ended.Reason, Completed);

    private static bool Is(string? reason, string known) => string.Equals(reason, known, StringComparison.OrdinalIgnoreCase);

    private static PodEnd Late(ContainerStatus? container) => container?.State switch
    {
        { Terminated: { StartedAt: not null } t } => new PodEnd { Ended = Timeout(t.ExitCode), Seconds = Between(t.StartedAt, t.FinishedAt) },
        { Running: not null } => new PodEnd { Ended = Timeout(ExitCodes.Killed) },
        { Waiting: { } waiting } => Error(With($"had not started when its timeout ended it ({waiting.Reason})", waiting.Message)),
        _ => Error("was ended by its timeout, and whether it had started is not known"),
    };

    private static ContainerOutcome Timeout(int exitCode) => new(exitCode, KilledByCap: false, TimedOut: true, []);

    private static PodEnd Pending(PodStatus status, ContainerStatus? container)
    {
        var why = container?.State switch
        {
            { Running: not null } => "still runs",
            { Waiting: { Reason: { } reason } waiting } when ImageReasons.Contains(reason) => With($"has no image ({reason})", waiting.Message),
            { Waiting: { Reason: { Length: > 0 } reason } waiting } => With($"has not started ({reason})", waiting.Message),
            _ => Unscheduled(status) ?? $"has not started (phase {status.Phase ?? "unknown"})",
        };
        return new PodEnd { WhyNot = why, IsPending = true };
    }

    private static string? Unscheduled(PodStatus status)
    {
        if (status.Conditions?.FirstOrDefault(c => c is { Type: "PodScheduled", Status: "False" }) is not { } condition) return null;
        var message = condition.Message ?? "";
        return With(
            message.Contains(PodManifest.GpuResource, StringComparison.Ordinal) ? "waits for a GPU: no node has one free"
            : message.Contains("anti-affinity", StringComparison.Ordinal) ? "waits for its turn on a node"
            : message.Contains("Insufficient memory", StringComparison.Ordinal) ? "waits for memory: no node has as much as its cap free"
            : $"waits for a node ({condition.Reason})",
            message);
    }

    private static PodEnd Error(string why) => new() { WhyNot = why };

    private static string With(string what, string? message) =>
        string.IsNullOrWhiteSpace(message) ? what : $"{what}: {PrintableText.Shorten(message.Trim(), MostMessageChars)}";

    private static double? Between(string? start, string? end) =>
        Time(start) is { } from && Time(end) is { } to && to >= from ? (to - from).TotalSeconds : null;

    private static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
