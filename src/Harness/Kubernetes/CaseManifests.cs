using System.Text.Json.Nodes;
using Loadline.Checkpoints;

namespace Loadline.Harness.Kubernetes;

/// <summary>Cases as objects of Kubernetes: a Job for each, or a bare Pod, and a ConfigMap for a device map.</summary>
/// <param name="Run">The value of <see cref="KubernetesNames.RunLabel"/> that all have.</param>
/// <param name="Objects">In the order of the cases.</param>
internal sealed record CaseManifests(string Run, IReadOnlyList<JsonObject> Objects)
{
    /// <summary>A ConfigMap holds no more.</summary>
    private const int MostMapChars = 1 << 19;

    /// <summary>Describes cases.</summary>
    /// <param name="cases">All of which have an image.</param>
    /// <param name="options">Where and with what they run.</param>
    /// <exception cref="InputException">A device map is too large.</exception>
    public static CaseManifests Of(IReadOnlyList<ClusterCase> cases, ClusterOptions options)
    {
        var run = options.Run ?? RunOf(cases, options);
        return new CaseManifests(run, [.. cases.SelectMany(one => ObjectsOf(one, run, options))]);
    }

    // What runs, to the last argument: other cases, or the same ones in another image, are another run.
    private static string RunOf(IReadOnlyList<ClusterCase> cases, ClusterOptions options) =>
        KubernetesNames.Digest(string.Join('\n', cases.Select(one => $"{one.Case.Name}\n{one.Map}\n{SpecOf(one, options, mapName: null).ToJsonString()}")));

    private static JsonObject SpecOf(ClusterCase one, ClusterOptions options, string? mapName) =>
        PodManifest.Spec(one, options.ImageOf(one.Case)!, options.Checkpoints, mapName);

    private static IEnumerable<JsonObject> ObjectsOf(ClusterCase one, string run, ClusterOptions options)
    {
        var name = KubernetesNames.ObjectName(run, one.Case.Name);
        if (one.Map is { Length: > MostMapChars })
            throw new InputException($"case '{one.Case.Name}': its device map has {one.Map.Length} characters, and a ConfigMap holds {MostMapChars}");
        if (one.Map is not null) yield return Described("v1", "ConfigMap", ("data", new JsonObject { [ClusterCase.MapFile] = one.Map }));

        var spec = SpecOf(one, options, one.Map is null ? null : name);
        var template = new JsonObject { ["metadata"] = Labelled(), ["spec"] = spec };
        if (options.IsBare) yield return Described("v1", "Pod", ("spec", spec.DeepClone().AsObject()));
        else yield return Described("batch/v1", "Job", ("spec", new JsonObject { ["backoffLimit"] = 0, ["template"] = template }));

        JsonObject Described(string version, string kind, (string Member, JsonObject Value) contents)
        {
            var metadata = new JsonObject { ["name"] = name };
            if (options.Namespace is { } space) metadata["namespace"] = space;
            foreach (var (member, value) in Labelled().ToList()) metadata[member] = value!.DeepClone();
            return new() { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = metadata, [contents.Member] = contents.Value };
        }

        JsonObject Labelled() => new()
        {
            ["labels"] = new JsonObject
            {
                ["app.kubernetes.io/name"] = "loadline",
                [KubernetesNames.RunLabel] = run,
                [KubernetesNames.CaseLabel] = KubernetesNames.CaseValue(one.Case.Name),
                [KubernetesNames.CheckpointLabel] = KubernetesNames.CaseValue(one.Checkpoint),
            },
            ["annotations"] = new JsonObject { [KubernetesNames.NameAnnotation] = PrintableText.Escape(one.Case.Name) },
        };
    }
}
