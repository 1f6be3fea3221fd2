using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Loadline.Checkpoints.Json;

/// <summary>What <see cref="JsonTokens"/> finds.</summary>
internal enum JsonToken
{
    None,
    StartObject,
    EndObject,
    StartArray,
    EndArray,
    PropertyName,
    String,
    Number,
    True,
    False,
    Null,
}

/// <summary>
/// Steps through a safetensors header, as strict as <see cref="Utf8JsonReader"/>, with its names and its meaning; a test holds the two against each other.
/// That one's searches are compiled when a process first uses them: 11 ms, more than all else that a first load does.
/// </summary>
/// <param name="json">The text, in UTF-8.</param>
/// <param name="maxDepth">So many levels at most.</param>
/// <exception cref="FormatException">What is read is no JSON.</exception>
internal ref struct JsonTokens(ReadOnlySpan<byte> json, int maxDepth)
{
    private readonly ReadOnlySpan<byte> _json = json;
    // What ends each level that is open.
    private readonly byte[] _ends = new byte[maxDepth];
    private int _depth;
    private int _position;

    // A string's text, where it has escapes or more than ASCII.
    private string? _text;

    public JsonToken TokenType { get; private set; }

    /// <summary>A number, or what stands between a string's quotes.</summary>
    public ReadOnlySpan<byte> ValueSpan { get; private set; }

    /// <summary>The levels around this token.</summary>
    public readonly int CurrentDepth => TokenType is JsonToken.StartObject or JsonToken.StartArray ? _depth - 1 : _depth;

    /// <summary>Takes the next token; there is none behind the one value.</summary>
    public bool Read()
    {
        SkipWhiteSpace();
        if (_depth == 0 && TokenType != JsonToken.None) return _position == _json.Length ? false : throw Refuse("more follows its end");
        if (TokenType == JsonToken.PropertyName)
        {
            Take(':');
            SkipWhiteSpace();
            ReadValue();
        }
        else if (_depth == 0) ReadValue();
        else if (Next == _ends[_depth - 1]) End();
        else
        {
            if (TokenType is not (JsonToken.StartObject or JsonToken.StartArray))
            {
                Take(',');
                SkipWhiteSpace();
            }

            if (_ends[_depth - 1] == '}') ReadString(JsonToken.PropertyName);
            else ReadValue();
        }

        return true;
    }

    /// <summary>The text of a string or a name.</summary>
    /// <exception cref="FormatException">It is no Unicode.</exception>
    public readonly string GetString() => _text ?? Utf8Text.Of(ValueSpan);

    /// <summary>Whether a string or a name is this ASCII text.</summary>
    public readonly bool ValueTextEquals(string text)
    {
        if (_text is not null) return _text == text;
        var value = ValueSpan;
        if (value.Length != text.Length) return false;
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] != text[i]) return false;
        }

        return true;
    }

    /// <summary>A number of digits alone.</summary>
    public readonly bool TryGetUInt64(out ulong number)
    {
        number = 0;
        foreach (var digit in ValueSpan)
        {
            if (digit is < (byte)'0' or > (byte)'9' || number > ulong.MaxValue / 10) return false;
            var value = (ulong)(digit - '0');
            number = 10 * number + value;
            if (number < value) return false;
        }

        return true;
    }

    /// <summary>Any number; infinite where it is too large.</summary>
    public readonly double GetDouble() => Utf8Parser.TryParse(ValueSpan, out double number, out _) ? number : throw Refuse("a number is none");

    // 0 at the end, which stands nowhere in JSON.
    private readonly byte Next => _position < _json.Length ? _json[_position] : (byte)0;

    private void ReadValue()
    {
        switch (Next)
        {
            case (byte)'{': Start(JsonToken.StartObject, '}'); break;
            case (byte)'[': Start(JsonToken.StartArray, ']'); break;
            case (byte)'"': ReadString(JsonToken.String); break;
            case (byte)'t': ReadWord("true", JsonToken.True); break;
            case (byte)'f': ReadWord("false", JsonToken.False); break;
            case (byte)'n': ReadWord("null", JsonToken.Null); break;
            default: ReadNumber(); break;
        }
    }

    private void Start(JsonToken token, char end)
    {
        if (_depth == _ends.Length) throw Refuse($"its depth is more than {_ends.Length} levels");
        _ends[_depth++] = (byte)end;
        _position++;
        TokenType = token;
    }

    private void End()
    {
        TokenType = _ends[--_depth] == '}' ? JsonToken.EndObject : JsonToken.EndArray;
        _position++;
    }

    private void ReadWord(string word, JsonToken token)
    {
        foreach (var c in word) Take(c);
        TokenType = token;
    }

    private void ReadNumber()
    {
        var start = _position;
        if (Next == '-') _position++;
        if (Next == '0') _position++;
        else TakeDigits();
        if (Next == '.')
        {
            _position++;
            TakeDigits();
        }

        if (Next is (byte)'e' or (byte)'E')
        {
            _position++;
            if (Next is (byte)'+' or (byte)'-') _position++;
            TakeDigits();
        }

        TokenType = JsonToken.Number;
        ValueSpan = _json[start.._position];
    }

    private void TakeDigits()
    {
        var rest = _json[_position..];
        var count = 0;
        while (count < rest.Length && rest[count] is >= (byte)'0' and <= (byte)'9') count++;
        if (count == 0) throw Refuse("a value or a digit is missing");
        _position += count;
    }

    private void ReadString(JsonToken token)
    {
        Take('"');
        var rest = _json[_position..];
        var (length, isPlain) = (0, true);
        for (; length < rest.Length && rest[length] != '"'; length++)
        {
            if (rest[length] < ' ') throw Refuse("a string has a control character");
            if (rest[length] < 0x80 && rest[length] != '\\') continue;
            isPlain = false;
            if (rest[length] == '\\') length++;
        }

        if (length >= rest.Length) throw Refuse("a string does not end");
        TokenType = token;
        ValueSpan = rest[..length];
        _position += length + 1;
        _text = isPlain ? null : Unescape();
    }

    // Few strings have escapes or more than ASCII, and hardly any names of tensors.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly string Unescape()
    {
        try
        {
            var reader = new Utf8JsonReader(_json.Slice(_position - ValueSpan.Length - 2, ValueSpan.Length + 2));
            reader.Read();
            return reader.GetString()!;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Refuse("a string has an unknown escape, or is no Unicode");
        }
    }

    private void SkipWhiteSpace()
    {
        while (Next is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') _position++;
    }

    private void Take(char expected)
    {
        if (Next != expected) throw Refuse($"'{expected}' is missing");
        _position++;
    }

    private readonly FormatException Refuse(string problem) => new($"{problem}, at byte {_position}");
}
