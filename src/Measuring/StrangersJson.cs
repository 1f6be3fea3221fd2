using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Loadline.Checkpoints;

namespace Loadline.Measuring;

/// <summary>
/// Reads JSON that somebody else may have written: events from the output of a program, results from another machine. What may not be null is there and
/// is not null, also inside of lists, and texts come in fit to be shown: no line of them can be another line, nor steer a terminal.
/// </summary>
/// <typeparam name="T">What is read.</typeparam>
/// <param name="context">Describes it.</param>
/// <param name="mostCharacters">A longer text loses its middle.</param>
internal sealed class StrangersJson<T>(JsonSerializerContext context, int mostCharacters = int.MaxValue)
    where T : class
{
    /// <summary>No number is further from zero.</summary>
    public const double MostNumber = 1L << 60;

    // About what an object and a text take at least, however few bytes of JSON tell them; of names, which of a dictionary are texts and else are nothing, the half;
    // of texts in a list, which are looked for in a set, with their place in it.
    private const int ObjectBytes = 176;
    private const int TextBytes = 96;
    private const int NameBytes = 64;
    private const int ListedTextBytes = 128;

    // In a list that has grown: as many places are free again.
    private const int NumberBytes = 16;

    // One of the list that a file is made of, a case or a pod, which has some seventy members.
    private const int ItemBytes = 1024;
    private const int ItemDepth = 2;

    // As the reader allows.
    private const int MostDepth = 64;

    // A character that comes in as \u007f, and the copy that is made of it on the way.
    private const int EscapedBytes = 24;

    /// <summary>What any text may take, beside a few times its own bytes: threat-model.md's promise, less what else there is.</summary>
    public const long AlwaysBytes = 40 * ByteSize.MiB;

    private const int TimesItsBytes = 6;

    // Found by the first byte of a character.
    private static readonly SearchValues<byte> MayBeEscaped = SearchValues.Create([(byte)'\\', 0x7f, .. Enumerable.Range(0xc2, 0xf4 - 0xc2 + 1).Select(b => (byte)b)]);

    private readonly JsonTypeInfo<T> _type = (JsonTypeInfo<T>)Strict(context, mostCharacters).GetTypeInfo(typeof(T));
    private readonly Lock _lock = new();
    private ReadMembers? _read;

    /// <exception cref="JsonException">It is something else.</exception>
    public T? Read(ReadOnlySpan<byte> json) => Read(json, out _);

    /// <summary>The same, with what <see cref="ExcessBytes"/> says of it.</summary>
    public T? Read(ReadOnlySpan<byte> json, out long excessBytes)
    {
        excessBytes = ExcessBytes(json);
        if (excessBytes > AlwaysBytes) throw new JsonException($"it tells more values than the {ByteSize.Format(json.Length)} that it has are good for");
        return JsonSerializer.Deserialize(json, _type);
    }

    /// <summary>What its values take beyond what its bytes are good for, or more than <see cref="AlwaysBytes"/>; below zero where they take less.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public long ExcessBytes(ReadOnlySpan<byte> json) => -RoomLeft(json, Members());

    // Where there is something to read: most programs read nothing of the kind.
    private ReadMembers? Members()
    {
        lock (_lock) return _read ??= ReadMembers.Of(_type);
    }

    private static JsonSerializerOptions Strict(JsonSerializerContext context, int mostCharacters)
    {
        var strict = new JsonSerializerOptions(context.Options)
        {
            TypeInfoResolver = ((IJsonTypeInfoResolver)context).WithAddedModifier(RequireParameters),
            RespectNullableAnnotations = true,
            // Of two values the last would count, and whoever reads the file sees the first.
            AllowDuplicateProperties = false,
        };
        // Before what the context has for texts: the first that can counts.
        strict.Converters.Insert(0, new PrintableStrings(mostCharacters));
        return strict;
    }

    // A parameter that is missing would be null, whatever its type says.
    private static void RequireParameters(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            var mayNotBeMissing = property.AssociatedParameter is { IsNullable: false, HasDefaultValue: false, IsMemberInitializer: false };
            if (mayNotBeMissing && !property.PropertyType.IsValueType) property.IsRequired = true;
        }
    }

    // Of the elements of a list the serializer does not know whether they may be null, and of numbers not that they must be finite.
    private static long RoomLeft(ReadOnlySpan<byte> json, ReadMembers? read)
    {
        var reader = new Utf8JsonReader(json);
        // What is read of the object or list at each depth, and of the value of the member whose name came last; null is all of it.
        var open = new ReadMembers?[MostDepth];
        var value = read;
        // Whether what stands at each depth is a list: a bit for each of the 64 depths that the reader allows.
        ulong lists = 0;
        var room = TimesItsBytes * (long)json.Length;
        while (reader.Read())
        {
            var depth = 1UL << reader.CurrentDepth;
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                value = null;
                if (open[reader.CurrentDepth - 1]?.Has(ref reader, out value) == false)
                {
                    // Nothing is made of it: the environment of a pod, of which compact JSON has more values than what is made of a few bytes.
                    reader.Skip();
                    continue;
                }
            }
            else if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                open[reader.CurrentDepth] = (lists & depth) != 0 ? open[reader.CurrentDepth - 1]?.Element : value;
            }

            room -= reader.TokenType switch
            {
                JsonTokenType.StartObject when reader.CurrentDepth == ItemDepth => ItemBytes,
                JsonTokenType.StartObject or JsonTokenType.StartArray => ObjectBytes,
                JsonTokenType.Number => NumberBytes,
                JsonTokenType.PropertyName => NameBytes + EscapedBytes * Escapes(reader.ValueSpan),
                JsonTokenType.String => ((lists & depth) != 0 ? ListedTextBytes : TextBytes) + EscapedBytes * Escapes(reader.ValueSpan),
                _ => 0,
            };
            if (room < -AlwaysBytes) return room;
            if (reader.TokenType == JsonTokenType.StartArray) lists |= depth << 1;
            else if (reader.TokenType == JsonTokenType.StartObject) lists &= ~(depth << 1);
            // 1e999 would come in as infinity, which no table, page or file can hold; and of two that 64 bits can hold they cannot hold the difference.
            else if (reader.TokenType == JsonTokenType.Number && !(reader.TryGetDouble(out var number) && Math.Abs(number) <= MostNumber))
                throw new JsonException("a number is too large");
            else if (reader.TokenType == JsonTokenType.Null && (lists & depth) != 0) throw new JsonException("a list has null where a value belongs");
        }

        return room;
    }

    /// <summary>How many characters of a text come in escaped, or may: those that cannot be seen, and what JSON has to escape itself.</summary>
    private static long Escapes(ReadOnlySpan<byte> text)
    {
        if (text.Length > KeptText.MostBytes) throw new JsonException($"a text has {ByteSize.Format(text.Length)}, more than {ByteSize.Format(KeptText.MostBytes)}");
        var escapes = 0L;
        while (text.IndexOfAny(MayBeEscaped) is >= 0 and var next)
        {
            text = text[next..];
            if (text[0] == '\\')
            {
                if (text[1] is not ((byte)'"' or (byte)'\\' or (byte)'/')) escapes++;
                text = text[2..];
                continue;
            }

            Rune.DecodeFromUtf8(text, out var rune, out var length);
            if (PrintableText.IsHidden(rune)) escapes += rune.Utf16SequenceLength;
            text = text[length..];
        }

        return escapes;
    }

    private sealed class PrintableStrings(int mostCharacters) : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            KeptText.Bounded(KeptText.Of(reader.GetString()!, mostCharacters));

        public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            KeptText.Bounded(KeptText.Of(reader.GetString()!, mostCharacters));

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
