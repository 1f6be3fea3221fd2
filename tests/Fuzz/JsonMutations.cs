using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Loadline.Fuzz;

/// <summary>Damages of JSON: numbers and strings replaced, members repeated, values nested; and of safetensors' header, with its length put right again.</summary>
internal static class JsonMutations
{
    private static readonly string[] Values =
    [
        "null", "true", "[]", "{}", "\"\"", "-1", "1.5", "1e999", "18446744073709551615", "18446744073709551616", "9223372036854775807", "[[[[[[]]]]]]",
        "\"\\ud800\"", "\"\\u0000\\u001b[31m\"", "\"F32\"", "\"F4\"", "\"BF16\"", "\"../../etc/passwd\"", "{\"U8\":null}",
    ];

    /// <summary>Values that readers trip over.</summary>
    public static IEnumerable<byte[]> Words => Values.Select(Encoding.Latin1.GetBytes);

    public static byte[] Apply(Random random, ReadOnlySpan<byte> bytes)
    {
        // Not UTF-8: every byte is to come out as it went in.
        var text = Encoding.Latin1.GetString(bytes);
        var (start, length) = Token(random, text);
        var token = text.Substring(start, length);
        if (random.Next(8) == 0 && Members(random, text) is { } many) return Encoding.Latin1.GetBytes(many);
        var edited = random.Next(7) switch
        {
            0 => Mutations.Number(random).ToString(CultureInfo.InvariantCulture),
            1 => Values[random.Next(Values.Length)],
            2 => "",
            3 => token + "," + token,
            4 => new string('[', random.Next(1, 200)) + token,
            5 => text.Substring(Token(random, text).Start, length: 1) + token,
            _ => text.AsSpan(Token(random, text) is var other ? other.Start : 0, other.Length).ToString(),
        };
        return Encoding.Latin1.GetBytes(string.Concat(text.AsSpan(0, start), edited, text.AsSpan(start + length)));
    }

    // A member so often, each under a name of its own: one file that a hundred thousand tensors are in, one tensor under so many names.
    private static string? Members(Random random, string text)
    {
        var colon = text.IndexOf("\":", random.Next(text.Length), StringComparison.Ordinal);
        if (colon < 0) return null;
        var name = text.LastIndexOf('"', Math.Max(0, colon - 1));
        var (end, depth) = (colon + 2, 0);
        for (; end < text.Length && (depth > 0 || text[end] is not (',' or '}')); end++) depth += text[end] is '{' or '[' ? 1 : text[end] is '}' or ']' ? -1 : 0;
        if (name < 0) return null;
        var value = text[(colon + 1)..end];
        var times = Math.Min(1 << random.Next(1, 17), (1 << 20) / value.Length);
        return string.Concat(text.AsSpan(0, name), string.Join(',', Enumerable.Range(0, times).Select(i => $"\"{i:x}\"{value}")), text.AsSpan(end));
    }

    public static byte[]? ApplyToHeader(Random random, byte[] bytes)
    {
        var length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        if (length < 2 || length > bytes.Length - 8) return null;
        var header = Apply(random, bytes.AsSpan(8, (int)length));
        var result = new byte[8 + header.Length + bytes.Length - 8 - length];
        BinaryPrimitives.WriteInt64LittleEndian(result, random.Next(8) == 0 ? length : header.Length);
        header.CopyTo(result, 8);
        bytes.AsSpan(8 + (int)length).CopyTo(result.AsSpan(8 + header.Length));
        return result;
    }

    /// <summary>A number, a string, a word or a single mark.</summary>
    private static (int Start, int Length) Token(Random random, string text)
    {
        var start = random.Next(text.Length);
        while (start > 0 && IsWord(text[start]) && IsWord(text[start - 1])) start--;
        var end = start + 1;
        if (text[start] == '"')
        {
            var close = text.IndexOf('"', end);
            if (close > 0) end = close + 1;
        }
        else
        {
            while (end < text.Length && IsWord(text[start]) && IsWord(text[end])) end++;
        }

        return (start, end - start);
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '+';
}
