using System.Text.Json.Nodes;

namespace Loadline.Harness.Kubernetes;

/// <summary>Where a cluster has the checkpoints: a claim of a volume, or a folder that every node has.</summary>
/// <param name="Claim">The claim's name; null for a folder of the nodes.</param>
/// <param name="Path">The folder: in the claim's volume, empty for all of it; of a node, absolute.</param>
internal sealed record CheckpointVolume(string? Claim, string Path)
{
    /// <summary>What <see cref="Parse"/> takes.</summary>
    public const string Usage = "pvc:NAME/PATH or hostPath:PATH";

    private const string VolumeName = "checkpoints";

    /// <summary>Reads <c>pvc:models/gpt2</c> or <c>hostPath:/srv/models</c>.</summary>
    /// <exception cref="FormatException">It is neither; the message says what it should be.</exception>
    public static CheckpointVolume Parse(string text)
    {
        var (kind, rest) = text.Split(':', 2) is [var before, var behind] ? (before, behind) : (text, "");
        if (rest.Split('/').Contains("..")) throw new FormatException($"'{text}' leaves its folder: write {Usage} without '..'");
        return kind switch
        {
            "pvc" when rest.Split('/', 2) is [var claim, .. var path] && KubernetesNames.IsSubdomain(claim) =>
                new CheckpointVolume(claim, path is [var below] ? below.Trim('/') : ""),
            "pvc" => throw new FormatException($"'{text}' names no claim: write small letters, digits, '-' and '.', as in pvc:models/gpt2"),
            "hostPath" when rest.StartsWith('/') => new CheckpointVolume(null, rest.TrimEnd('/') is { Length: > 0 } folder ? folder : "/"),
            "hostPath" => throw new FormatException($"'{text}' names no folder of the nodes: write an absolute one, as in hostPath:/srv/models"),
            _ => throw new FormatException($"'{text}' is no place for checkpoints: write {Usage}"),
        };
    }

    /// <summary>An entry of a pod's <c>volumes</c>.</summary>
    public JsonObject Volume() => Claim is null
        ? new() { ["name"] = VolumeName, ["hostPath"] = new JsonObject { ["path"] = Path, ["type"] = "Directory" } }
        : new() { ["name"] = VolumeName, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = Claim, ["readOnly"] = true } };

    /// <summary>An entry of a container's <c>volumeMounts</c>.</summary>
    public JsonObject Mount()
    {
        var mount = new JsonObject { ["name"] = VolumeName, ["mountPath"] = ClusterCase.CheckpointFolder, ["readOnly"] = true };
        if (Claim is not null && Path.Length > 0) mount["subPath"] = Path;
        return mount;
    }
}
