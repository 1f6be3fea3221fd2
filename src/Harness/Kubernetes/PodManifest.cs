using System.Globalization;
using System.Text.Json.Nodes;
using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Kubernetes;

/// <summary>The pod of a case: one container with a hard limit of memory, which may do nothing but read its checkpoint.</summary>
internal static class PodManifest
{
    /// <summary>The container's name, by which its state is found again beside those that a cluster puts into a pod.</summary>
    public const string Container = "case";

    /// <summary>Devices of NVIDIA's plugin.</summary>
    public const string GpuResource = "nvidia.com/gpu";

    /// <summary>The user and the group that own nothing.</summary>
    private const int Nobody = 65534;

    private const string MapVolume = "map";

    /// <summary>A pod's <c>spec</c>.</summary>
    /// <param name="one">The case.</param>
    /// <param name="image">The image it runs in.</param>
    /// <param name="checkpoints">The volume of its checkpoint; null where the image has it.</param>
    /// <param name="mapName">The ConfigMap of its device map; null where it has none.</param>
    public static JsonObject Spec(ClusterCase one, string image, CheckpointVolume? checkpoints, string? mapName)
    {
        var spec = new JsonObject
        {
            ["restartPolicy"] = "Never",
            // A Job's own deadline would delete the pod, and with it all that tells of the case.
            ["activeDeadlineSeconds"] = (long)Math.Ceiling(one.Case.Timeout.TotalSeconds),
            // Nothing in it has anything to put away.
            ["terminationGracePeriodSeconds"] = 1,
            ["automountServiceAccountToken"] = false,
            ["enableServiceLinks"] = false,
            ["securityContext"] = new JsonObject
            {
                ["runAsNonRoot"] = true,
                ["runAsUser"] = Nobody,
                ["runAsGroup"] = Nobody,
                ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
            },
            ["affinity"] = TakingTurns(one.Checkpoint),
            ["containers"] = new JsonArray(ContainerOf(one, image, checkpoints)),
        };
        JsonObject?[] volumes =
        [
            checkpoints?.Volume(),
            mapName is null ? null : new() { ["name"] = MapVolume, ["configMap"] = new JsonObject { ["name"] = mapName } },
        ];
        if (volumes.Any(v => v is not null)) spec["volumes"] = new JsonArray([.. volumes.OfType<JsonObject>()]);
        return spec;
    }

    /// <summary>A word of a command line as a manifest has it: the kubelet puts variables in place of <c>$(NAME)</c>, and makes one of two dollars.</summary>
    public static string Unexpanded(string word) => word.Replace("$", "$$", StringComparison.Ordinal);

    private static JsonObject ContainerOf(ClusterCase one, string image, CheckpointVolume? checkpoints)
    {
        var container = new JsonObject { ["name"] = Container, ["image"] = image };
        if (one.Command is { } command) container["command"] = List(command.Select(Unexpanded));
        if (one.Arguments.Count > 0) container["args"] = List(one.Arguments.Select(Unexpanded));
        if (one.IsWorker) container["env"] = Settings();
        container["resources"] = Resources(one);
        container["securityContext"] = new JsonObject
        {
            ["allowPrivilegeEscalation"] = false,
            ["readOnlyRootFilesystem"] = true,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
        };
        JsonObject?[] mounts =
        [
            checkpoints?.Mount(),
            one.Map is null ? null : new() { ["name"] = MapVolume, ["mountPath"] = ClusterCase.MapFolder, ["readOnly"] = true },
        ];
        if (mounts.Any(m => m is not null)) container["volumeMounts"] = new JsonArray([.. mounts.OfType<JsonObject>()]);
        return container;
    }

    private static JsonArray Settings() =>
        new([.. WorkerEnvironment.Runtime.Select(setting => new JsonObject { ["name"] = setting.Key, ["value"] = setting.Value })]);

    // Equal, a request and a limit leave the container no swap, and no memory.high below the limit that would slow it down instead of killing it.
    private static JsonObject Resources(ClusterCase one)
    {
        var cap = MemoryQuantity.Of(one.Case.CapBytes);
        var limits = new JsonObject { ["memory"] = cap };
        if (one.Case.GpuCount > 0) limits[GpuResource] = one.Case.GpuCount.ToString(CultureInfo.InvariantCulture);
        return new() { ["requests"] = new JsonObject { ["memory"] = cap }, ["limits"] = limits };
    }

    // Each evicts the checkpoint's pages first, and pages are charged to whoever touches them first: beside another that reads the same file, neither
    // is measured as it is alone.
    private static JsonObject TakingTurns(string checkpoint) => new()
    {
        ["podAntiAffinity"] = new JsonObject
        {
            ["requiredDuringSchedulingIgnoredDuringExecution"] = new JsonArray(new JsonObject
            {
                ["labelSelector"] = new JsonObject
                {
                    ["matchLabels"] = new JsonObject { [KubernetesNames.CheckpointLabel] = KubernetesNames.CaseValue(checkpoint) },
                },
                ["topologyKey"] = "kubernetes.io/hostname",
            }),
        },
    };

    private static JsonArray List(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);
}
