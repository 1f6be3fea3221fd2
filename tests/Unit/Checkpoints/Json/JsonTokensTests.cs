using System.Text;
using System.Text.Json;
using Loadline.Checkpoints.Json;

namespace Loadline.Unit.Checkpoints.Json;

/// <summary>Held against the framework's reader: the same tokens with the same values of what it reads, and a refusal of what it refuses.</summary>
public sealed class JsonTokensTests
{
    private const int MaxDepth = 6;
    private const string Header = """
         {"__metadata__": {"format": "pt", "é\u00e9\n": "\ud83d\ude00 \"x\" \\ \/"}, "a.b" : {"dtype":"F32","shape":[12, 0],"data_offsets":[0,18446744073709551615]},
          "x": [true, false, null, -0, 0.5e+10, -1.25E-3, 1e999, [[{}]], {"":[]}, ""] }
        """;

    public static TheoryData<string> Texts => [
        Header, "", " ", "{}", "[]", "1", "\"\"", "tru", "nul", "trueX", "{", "[", "]", "{]", "[}", "{}{}", "{},", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{1:2}", "[01]", "[-]", "[1.]", "[.5]", "[+1]", "[1e]", "[1e+]", "[--1]", "[0x1]", "[NaN]", "[1,\u00a01]", "\ufeff{}", "/**/{}", "{'a':1}",
        "[\"\t\"]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u12g4\"]", "[\"\\ud800\"]", "[\"\\udc00\\ud800\"]", "[\"\\ud800\\u0041\"]", "[\"", "[\"\\", "[\"\\u", "[\"a\\\"]", "[\0]", "{}\0", "[\"\0\"]",
        "[[[[[[]]]]]]", "[[[[[[[]]]]]]]", "[18446744073709551616]", "[18446744073709551615, 99999999999999999999]", "[-5]", "[\"\u007f\"]",
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Read_like_the_frameworks_reader(string text) => HoldAgainst(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Headers_with_any_byte_changed_read_like_the_frameworks_reader()
    {
        var bytes = Encoding.UTF8.GetBytes(Header);
        byte[] others = [.. "\"\\{}[],:0-.eu"u8, 0, 0x1f, 0x80, 0xc3, 0xed, 0xff];
        for (var i = 0; i < bytes.Length; i++)
        {
            var original = bytes[i];
            foreach (var other in others)
            {
                bytes[i] = other;
                HoldAgainst(bytes);
            }

            bytes[i] = original;
            HoldAgainst(bytes.AsSpan(0, i).ToArray());
        }
    }

    private static void HoldAgainst(byte[] json) => Ours(json).Should().Equal(Theirs(json), "of {0}", Encoding.UTF8.GetString(json));

    private static List<string> Ours(byte[] json)
    {
        var found = new List<string>();
        var reader = new JsonTokens(json, MaxDepth);
        try
        {
            while (reader.Read())
            {
                var value = reader.TokenType switch
                {
                    JsonToken.String or JsonToken.PropertyName => $"{reader.GetString()} {reader.ValueTextEquals("dtype")} {reader.ValueSpan.Length}",
                    JsonToken.Number => $"{reader.GetDouble()} {(reader.ValueSpan[0] != '-' && reader.TryGetUInt64(out var number) ? $"{number}" : "")}",
                    _ => "",
                };
                found.Add($"{reader.TokenType} {reader.CurrentDepth} {value}");
            }
        }
        catch (FormatException)
        {
            return ["refused"];
        }

        return found;
    }

    private static List<string> Theirs(byte[] json)
    {
        var found = new List<string>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
                var value = reader.TokenType switch
                {
                    JsonTokenType.String or JsonTokenType.PropertyName => $"{reader.GetString()} {reader.ValueTextEquals("dtype")} {reader.ValueSpan.Length}",
                    JsonTokenType.Number => $"{reader.GetDouble()} {(reader.ValueSpan[0] != '-' && reader.TryGetUInt64(out var number) ? $"{number}" : "")}",
                    _ => "",
                };
                found.Add($"{reader.TokenType} {reader.CurrentDepth} {value}");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return ["refused"];
        }

        return found;
    }
}
