using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Loadline.Harness.Kubernetes;

/// <summary>
/// Writes JSON as YAML that people can review. A text stands bare only where nobody can take it for anything else; all others are quoted, and what is not
/// printable ASCII is escaped, so that YAML 1.1 and 1.2 read the same.
/// </summary>
internal static partial class YamlText
{
    private static readonly HashSet<string> Words =
        new(["y", "n", "yes", "no", "on", "off", "true", "false", "null"], StringComparer.OrdinalIgnoreCase);

    /// <summary>A stream of documents, each after its own <c>---</c>.</summary>
    /// <param name="heading">A comment above them.</param>
    /// <param name="documents">The objects.</param>
    public static string Of(string heading, IEnumerable<JsonObject> documents)
    {
        var text = new StringBuilder();
        foreach (var line in heading.Split('\n')) text.Append("# ").Append(Ascii(line)).Append('\n');
        foreach (var document in documents)
        {
            text.Append("---\n");
            Members(text, document, indent: 0, isOpen: false);
        }

        return text.ToString();
    }

    private static void Members(StringBuilder text, JsonObject members, int indent, bool isOpen)
    {
        foreach (var (name, value) in members)
        {
            // The first member of an item stands behind its dash.
            if (!isOpen) text.Append(' ', indent);
            isOpen = false;
            text.Append(Scalar(name)).Append(':');
            Value(text, value, indent);
        }
    }

    private static void Value(StringBuilder text, JsonNode? value, int indent)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } members:
                text.Append('\n');
                Members(text, members, indent + 2, isOpen: false);
                break;
            case JsonArray { Count: > 0 } items:
                text.Append('\n');
                foreach (var item in items) Item(text, item, indent);
                break;
            default:
                text.Append(' ').Append(Scalar(value)).Append('\n');
                break;
        }
    }

    private static void Item(StringBuilder text, JsonNode? item, int indent)
    {
        text.Append(' ', indent).Append('-');
        if (item is JsonObject { Count: > 0 } members)
        {
            text.Append(' ');
            Members(text, members, indent + 2, isOpen: true);
        }
        else
        {
            Value(text, item, indent);
        }
    }

    private static string Scalar(JsonNode? value) => value switch
    {
        null => "null",
        JsonObject => "{}",
        JsonArray => "[]",
        _ when value.GetValueKind() == JsonValueKind.String => Scalar(value.GetValue<string>()),
        _ => value.ToJsonString(),
    };

    private static string Scalar(string text) => Bare().IsMatch(text) && !Words.Contains(text) ? text : $"\"{Ascii(Escaped(text))}\"";

    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Ascii(string text)
    {
        var ascii = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is >= ' ' and <= '~') ascii.Append((char)rune.Value);
            else ascii.Append(rune.IsBmp ? $"\\u{rune.Value:x4}" : $"\\U{rune.Value:x8}");
        }

        return ascii.ToString();
    }

    [GeneratedRegex(@"\A[A-Za-z/_][A-Za-z0-9_./-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Bare();
}
