using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary>Kubernetes' published schemas, as far as they are used: what else an object has is an error.</summary>
internal static class KubernetesSchema
{
    private static readonly JsonObject File =
        JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(Repository.Root, "tests", "Unit", "Harness", "Kubernetes", "schemas", "kubernetes-1.36.json")))!.AsObject();

    private static readonly Dictionary<string, JsonSchema> Kinds = new[] { "Job", "Pod", "ConfigMap", "PodList" }.ToDictionary(kind => kind, Of);

    /// <summary>What is wrong with an object, each as "where: what"; empty where nothing is.</summary>
    public static IReadOnlyList<string> Problems(string kind, JsonNode node)
    {
        using var document = JsonDocument.Parse(node.ToJsonString());
        var results = Kinds[kind].Evaluate(document.RootElement, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return results.IsValid ? [] : [.. (results.Details ?? []).Where(d => d.Errors is not null).SelectMany(d => d.Errors!.Select(e => $"{d.InstanceLocation}: {e.Value}"))];
    }

    private static JsonSchema Of(string kind)
    {
        var schema = File.DeepClone().AsObject();
        schema["$ref"] = $"#/$defs/{kind}";
        return JsonSchema.FromText(schema.ToJsonString());
    }
}
