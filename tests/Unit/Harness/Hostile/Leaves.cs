using System.Text.Json;
using System.Text.Json.Nodes;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>JSON with one of its values changed, for each value and each change that somebody may think of.</summary>
internal static class Leaves
{
    /// <summary>As many characters as a text may have bytes once they are escaped, and none of which can be seen.</summary>
    private static readonly string[] Texts = [new('\u007f', 86_000), new('f', 400_000), "a\n::error::b", ""];

    private static readonly long[] Numbers = [-5, 0, 7, 1L << 60];

    /// <summary>Every such text. What is null is a text, too, where one may be.</summary>
    public static IEnumerable<(string Path, string Json)> Changed(string json)
    {
        var root = JsonNode.Parse(json)!;
        foreach (var leaf in Of(root).ToList())
        {
            foreach (var other in Others(leaf.Value))
            {
                leaf.Set(other);
                yield return ($"{leaf.Path} = {(other?.ToString() is { Length: > 20 } text ? text[..20] : other)}", root.ToJsonString());
            }

            leaf.Set(leaf.Value?.DeepClone());
        }
    }

    private static IEnumerable<JsonNode?> Others(JsonNode? value) => value?.GetValueKind() is null or JsonValueKind.String
        ? Texts.Select(text => (JsonNode?)JsonValue.Create(text))
        : value.GetValueKind() == JsonValueKind.Number ? Numbers.Select(number => (JsonNode?)JsonValue.Create(number)) : [null];

    private static IEnumerable<Leaf> Of(JsonNode node) => node switch
    {
        JsonObject o => o.ToList().SelectMany(member => member.Value is JsonObject or JsonArray
            ? Of(member.Value)
            : [new Leaf($"{o.GetPath()}.{member.Key}", member.Value?.DeepClone(), value => o[member.Key] = value)]),
        JsonArray a => Enumerable.Range(0, a.Count).SelectMany(i => a[i] is JsonObject or JsonArray
            ? Of(a[i]!)
            : [new Leaf($"{a.GetPath()}[{i}]", a[i]?.DeepClone(), value => a[i] = value)]),
        _ => [],
    };

    private sealed record Leaf(string Path, JsonNode? Value, Action<JsonNode?> Set);
}
