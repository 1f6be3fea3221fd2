using System.Text;
using System.Text.Json;

namespace Loadline.Harness.Budgets;

/// <summary>A JSON value that knows where it stands, which the framework's documents do not.</summary>
/// <param name="Line">Where the value starts, counted from 1.</param>
/// <param name="Kind">Of the value's first token.</param>
/// <param name="Text">A string's value, or a number's or literal's own characters.</param>
/// <param name="Members">Of an object, in order, duplicates included.</param>
/// <param name="Items">Of an array.</param>
internal sealed record LocatedJson(
    int Line, JsonTokenType Kind, string Text, IReadOnlyList<(string Name, LocatedJson Value)> Members, IReadOnlyList<LocatedJson> Items)
{
    /// <summary>The value's bytes in the file, first to last.</summary>
    public Range Bytes { get; private init; }

    /// <summary>Parses a document. Comments are refused, as they are everywhere else in JSON.</summary>
    /// <exception cref="JsonException">It is no JSON; the exception's line counts from 0.</exception>
    public static LocatedJson Parse(ReadOnlySpan<byte> utf8)
    {
        var preamble = utf8.StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        utf8 = utf8[preamble..];
        var reader = new Utf8JsonReader(utf8);
        var lines = new LineCounter(utf8);
        reader.Read();
        var value = Value(ref reader, ref lines, preamble);
        // A second value or an unclosed bracket throws here.
        reader.Read();
        return value;
    }

    private static LocatedJson Value(ref Utf8JsonReader reader, ref LineCounter lines, int preamble)
    {
        var (line, kind, start) = (lines.At(reader.TokenStartIndex), reader.TokenType, (int)reader.TokenStartIndex);
        var text = kind switch
        {
            JsonTokenType.String => reader.GetString()!,
            JsonTokenType.StartObject or JsonTokenType.StartArray => "",
            _ => Encoding.UTF8.GetString(reader.ValueSpan),
        };
        List<(string, LocatedJson)> members = [];
        List<LocatedJson> items = [];
        while (kind == JsonTokenType.StartObject && reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            reader.Read();
            members.Add((name, Value(ref reader, ref lines, preamble)));
        }

        while (kind == JsonTokenType.StartArray && reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(Value(ref reader, ref lines, preamble));
        return new LocatedJson(line, kind, text, members, items) { Bytes = (preamble + start)..(preamble + (int)reader.BytesConsumed) };
    }

    private ref struct LineCounter(ReadOnlySpan<byte> utf8)
    {
        private readonly ReadOnlySpan<byte> _utf8 = utf8;
        private int _position;
        private int _line = 1;

        public int At(long position)
        {
            _line += _utf8[_position..(int)position].Count((byte)'\n');
            _position = (int)position;
            return _line;
        }
    }
}
