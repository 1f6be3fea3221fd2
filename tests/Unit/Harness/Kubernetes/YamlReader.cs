using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary>
/// Reads the YAML that <c>loadline kubernetes</c> writes, and no more of YAML than that: blocks by their indentation, texts bare or in double quotes. It
/// knows nothing of the writer, and so tells whether what is written is what was meant.
/// </summary>
internal sealed class YamlReader
{
    private readonly string[] _lines;
    private int _next;

    private YamlReader(string document) => _lines = document.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The documents of a stream.</summary>
    public static IReadOnlyList<JsonObject> Read(string text)
    {
        var documents = ("\n" + text).Split("\n---\n");
        documents[0].Trim().Split('\n').Should().AllSatisfy(line => line.Should().StartWith("#"));
        return [.. documents.Skip(1).Select(document => (JsonObject)new YamlReader(document).Block(0)!)];
    }

    private JsonNode? Block(int indent) => IsItem(indent) ? Items(indent) : Members(indent);

    private bool IsItem(int indent) => _next < _lines.Length && _lines[_next].Length > indent && Indent(_lines[_next]) == indent
        && (_lines[_next][indent..] == "-" || _lines[_next][indent..].StartsWith("- ", StringComparison.Ordinal));

    private JsonArray Items(int indent)
    {
        var items = new JsonArray();
        while (IsItem(indent))
        {
            var rest = _lines[_next][(indent + 1)..].TrimStart();
            if (KeyEnd(rest) > 0)
            {
                // The first member stands where the dash was.
                _lines[_next] = new string(' ', indent + 2) + rest;
                items.Add((JsonNode?)Members(indent + 2));
            }
            else
            {
                _next++;
                items.Add(Scalar(rest));
            }
        }

        return items;
    }

    private JsonObject Members(int indent)
    {
        var members = new JsonObject();
        while (_next < _lines.Length && Indent(_lines[_next]) == indent && !IsItem(indent))
        {
            var line = _lines[_next++][indent..];
            var end = KeyEnd(line);
            var (key, value) = (Scalar(line[..end])!.GetValue<string>(), line[(end + 1)..].TrimStart());
            // A list may stand as far left as its own key.
            members.Add(key, value.Length > 0 ? Scalar(value) : Block(IsItem(indent) ? indent : indent + 2));
        }

        return members;
    }

    private static int Indent(string line) => line.Length - line.TrimStart(' ').Length;

    private static int KeyEnd(string text)
    {
        var from = text.StartsWith('"') ? Quote(text) : 0;
        var end = text.IndexOf(':', from);
        return end > 0 && (end + 1 == text.Length || text[end + 1] == ' ') ? end : -1;
    }

    private static int Quote(string text)
    {
        var i = 1;
        while (text[i] != '"') i += text[i] == '\\' ? 2 : 1;
        return i;
    }

    private static JsonNode? Scalar(string text) => text switch
    {
        "{}" => new JsonObject(),
        "[]" => new JsonArray(),
        "true" => true,
        "false" => false,
        "null" => null,
        _ when text.StartsWith('"') => Unquoted(text[1..Quote(text)]),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => text,
    };

    private static string Unquoted(string text)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            var digits = text[++i] switch { 'u' => 4, 'U' => 8, _ => 0 };
            plain.Append(digits == 0 ? text[i].ToString() : char.ConvertFromUtf32(int.Parse(text.AsSpan(i + 1, digits), NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
            i += digits;
        }

        return plain.ToString();
    }
}
