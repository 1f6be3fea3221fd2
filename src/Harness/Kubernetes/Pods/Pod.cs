using System.Text.Json.Serialization;

namespace Loadline.Harness.Kubernetes.Pods;

// The members of https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ that say what became of a case. No other is read: the
// environment of a container, which may hold secrets, never comes in.
#pragma warning disable CS1591 // Members are documented there.

/// <summary>What <c>kubectl get pods -o json</c> prints.</summary>
internal sealed record PodList
{
    public string? Kind { get; init; }

    public IReadOnlyList<Pod>? Items { get; init; }
}

/// <summary>One pod.</summary>
internal sealed record Pod
{
    public required PodMetadata Metadata { get; init; }

    public required PodSpec Spec { get; init; }

    public required PodStatus Status { get; init; }

    /// <summary>The container of the case; null where it has none.</summary>
    [JsonIgnore]
    public PodContainer? Case => Spec.Containers?.FirstOrDefault(c => c.Name == PodManifest.Container);

    /// <summary>What is known of that container; null where its node has told nothing yet.</summary>
    [JsonIgnore]
    public ContainerStatus? CaseStatus => Status.ContainerStatuses?.FirstOrDefault(c => c.Name == PodManifest.Container);

    /// <summary>The value of a label; null where it has none.</summary>
    public string? Label(string name) => Metadata.Labels?.GetValueOrDefault(name);
}

internal sealed record PodMetadata
{
    public required string Name { get; init; }

    public string? Namespace { get; init; }

    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

internal sealed record PodSpec
{
    public IReadOnlyList<PodContainer>? Containers { get; init; }
}

internal sealed record PodContainer
{
    public string Name { get => field ?? ""; init; } = "";

    public string? Image { get; init; }

    public IReadOnlyList<string>? Command { get; init; }

    public IReadOnlyList<string>? Args { get; init; }

    public PodResources? Resources { get; init; }
}

internal sealed record PodResources
{
    public IReadOnlyDictionary<string, string>? Requests { get; init; }

    public IReadOnlyDictionary<string, string>? Limits { get; init; }
}

internal sealed record PodStatus
{
    public string? Phase { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public IReadOnlyList<PodCondition>? Conditions { get; init; }

    public IReadOnlyList<ContainerStatus>? ContainerStatuses { get; init; }
}

internal sealed record PodCondition
{
    public string? Type { get; init; }

    public string? Status { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }
}

internal sealed record ContainerStatus
{
    public string Name { get => field ?? ""; init; } = "";

    [JsonPropertyName("containerID")]
    public string? ContainerId { get; init; }

    public int RestartCount { get; init; }

    public PodResources? Resources { get; init; }

    public ContainerState? State { get; init; }
}

internal sealed record ContainerState
{
    public WaitingState? Waiting { get; init; }

    public RunningState? Running { get; init; }

    public TerminatedState? Terminated { get; init; }
}

internal sealed record WaitingState
{
    public string? Reason { get; init; }

    public string? Message { get; init; }
}

internal sealed record RunningState
{
    public string? StartedAt { get; init; }
}

internal sealed record TerminatedState
{
    // Kubernetes requires it: where it is missing it is not 0.
    public required int ExitCode { get; init; }

    public int Signal { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public string? StartedAt { get; init; }

    public string? FinishedAt { get; init; }
}
#pragma warning restore CS1591

/// <summary>JSON for pods, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PodList))]
[JsonSerializable(typeof(Pod))]
internal sealed partial class PodJson : JsonSerializerContext;
