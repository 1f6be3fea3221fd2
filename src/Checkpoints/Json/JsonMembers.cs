using System.Text.Json;

namespace Loadline.Checkpoints.Json;

/// <summary>
/// Steps through JSON that came from a stranger. A document of it would take twelve bytes for each token, and twice that while it grows: a file of a
/// million <c>[]</c> would describe many times its own length. What is skipped here takes nothing.
/// </summary>
internal static class JsonMembers
{
    // As in safetensors: longer than any name in use.
    private const int MaxNameBytes = 1 << 16;

    /// <summary>Takes the token that must come next.</summary>
    /// <exception cref="JsonException">Another comes, or none.</exception>
    public static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type) throw new JsonException($"expected {what}, found {reader.TokenType}");
    }

    /// <summary>The next member's name, whose value comes then; null at the object's end.</summary>
    /// <exception cref="JsonException">The name is too long.</exception>
    public static string? Next(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.PropertyName) return null;
        return reader.ValueSpan.Length <= MaxNameBytes
            ? reader.GetString()
            : throw new JsonException($"a name of {reader.ValueSpan.Length} bytes is longer than the limit of {MaxNameBytes}");
    }

    /// <summary>A text of at most so many bytes.</summary>
    /// <exception cref="JsonException">It is none, or longer.</exception>
    public static string Text(ref Utf8JsonReader reader, string what, int maxBytes = MaxNameBytes)
    {
        Expect(ref reader, JsonTokenType.String, what);
        return reader.ValueSpan.Length <= maxBytes ? reader.GetString()! : throw new JsonException($"{what} of {reader.ValueSpan.Length} bytes is longer than the limit of {maxBytes}");
    }

    /// <summary>The next value as text: a string's own, of anything else its JSON.</summary>
    public static string AnyText(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return reader.GetString()!;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return System.Text.Encoding.UTF8.GetString(json[start..(int)reader.BytesConsumed]);
    }

    /// <summary>Passes over the next value, whatever it is.</summary>
    public static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    /// <summary>The end of the file: only white space may follow.</summary>
    /// <exception cref="JsonException">More follows.</exception>
    public static void End(ref Utf8JsonReader reader) => reader.Read();
}
