using System.Globalization;
using System.Numerics;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>The opcodes of protocol 0, whose values are lines of text.</summary>
internal sealed partial class PickleMachine
{
    // 256 bytes are 617 digits.
    private const int MaxDigits = 620;

    private const string TwoHalves = "has a string with two halves of a surrogate pair, each by itself, which Python does not take for one character";

    // Of one that no long is, whatever its digits.
    private const int StepsPerLargeInteger = 100;

    // Of what Python takes for an integer: its digits to any base, its prefix, its sign, what stands between digits and what is passed over around them.
    private static ReadOnlySpan<byte> OfIntegers => "0123456789abcdefABCDEFxXoO_+- \t\r\v\f"u8;

    private bool ReadText(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Int: PushNew(ParseInteger(TakeLine("an integer"), flags: true)); break;
            case PickleOpcode.Long: PushNew(ParseInteger(TakeLine("an integer"), flags: false)); break;
            case PickleOpcode.Float: PushNew(ParseFloat(TakeNumber())); break;
            case PickleOpcode.String: PushOld(Unquote(TakeLine("a string"))); break;
            case PickleOpcode.Unicode: PushNew(Unescape(TakeLine("a string"))); break;
            case PickleOpcode.Get: Push(Recall(ParseIndex(TakeLine("an index")))); break;
            case PickleOpcode.Put: Memoize(ParseIndex(TakeLine("an index"))); break;
            default: return false;
        }

        return true;
    }

    private object ParseInteger(ReadOnlySpan<byte> line, bool flags)
    {
        // Protocols 0 and 1 have no other opcodes for these.
        if (flags && line.SequenceEqual("01"u8)) return True;
        if (flags && line.SequenceEqual("00"u8)) return False;
        // Of LONG alone.
        if (!flags && line is [.., (byte)'L']) line = line[..^1];
        // Octal or hexadecimal to the one unpickler, decimal or an error to the other.
        if (line is [(byte)'0', _, ..] or [(byte)'+' or (byte)'-', (byte)'0', _, ..]) return GuessedNumber(line) ?? throw Refuse("has an integer that begins with 0, which no writer does");
        if (long.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        // Whatever is no number is none at any length.
        if (line.IndexOfAnyExcept(OfIntegers) >= 0) throw Refuse("has an integer that is none");
        if (line.Length > MaxDigits) throw RefuseLimit($"has an integer of {line.Length} digits, more than the limit of {MaxDigits}");
        _ledger.Work(StepsPerLargeInteger + line.Length);
        return BigInteger.TryParse(Encoding.Latin1.GetString(line), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var large)
            ? large
            : GuessedNumber(line) ?? throw Refuse("has an integer that is none");
    }

    // What Python might take for one, as 0x10 or 1_000.
    private OpaqueValue? GuessedNumber(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(OfIntegers) < 0 ? Guessed() : null;

    // However few digits it has.
    private const int StepsPerFloat = 10;

    // Many digits that lie between two doubles take a microsecond.
    private ReadOnlySpan<byte> TakeNumber()
    {
        var line = TakeLine("a float");
        _ledger.Work(StepsPerFloat + line.Length);
        return line;
    }

    private object ParseFloat(ReadOnlySpan<byte> line) => Encoding.Latin1.GetString(line) switch
    {
        "nan" or "-nan" => double.NaN,
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw Refuse("has a float that is none"),
    };

    private long ParseIndex(ReadOnlySpan<byte> line) =>
        uint.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : throw Refuse("has an index that is none");

    /// <summary>A string of Python 2 as its repr: quoted, with escapes.</summary>
    private byte[] Unquote(ReadOnlySpan<byte> line)
    {
        if (line is not [(byte)'\'' or (byte)'"', .., _] || line[^1] != line[0]) throw Refuse("has a string without quotes");
        var source = line[1..^1];
        if (source.IndexOf((byte)'\\') < 0) return source.ToArray();
        _ledger.Work(source.Length);
        var bytes = new byte[source.Length];
        var count = 0;
        while (!source.IsEmpty)
        {
            var (value, taken) = source[0] == '\\' ? ReadEscape(source) : (source[0], 1);
            bytes[count++] = value;
            source = source[taken..];
        }

        return bytes[..count];
    }

    private (byte Value, int Taken) ReadEscape(ReadOnlySpan<byte> source)
    {
        switch (source)
        {
            case [_, (byte)'n', ..]: return ((byte)'\n', 2);
            case [_, (byte)'r', ..]: return ((byte)'\r', 2);
            case [_, (byte)'t', ..]: return ((byte)'\t', 2);
            case [_, var same and ((byte)'\\' or (byte)'\'' or (byte)'"'), ..]: return (same, 2);
            case [_, (byte)'x', _, _, ..] when byte.TryParse(source[2..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value): return (value, 4);
            case [_, >= (byte)'0' and <= (byte)'7', ..]: return ReadOctal(source);
            default: return _isGuess ? ((byte)'\\', 1) : throw Refuse("has a string with an escape that Python does not write");
        }
    }

    private static (byte Value, int Taken) ReadOctal(ReadOnlySpan<byte> source)
    {
        var (value, taken) = (0, 1);
        while (taken < Math.Min(4, source.Length) && source[taken] is >= (byte)'0' and <= (byte)'7') value = value * 8 + source[taken++] - '0';
        return ((byte)value, taken);
    }

    /// <summary>Text as Python's raw-unicode-escape: Latin-1, and <c>\uXXXX</c> for the rest.</summary>
    private string Unescape(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf((byte)'\\') < 0) return Encoding.Latin1.GetString(line);
        _ledger.Work(line.Length);
        var text = new StringBuilder(line.Length);
        while (!line.IsEmpty)
        {
            var digits = line switch { [(byte)'\\', (byte)'u', ..] => 4, [(byte)'\\', (byte)'U', ..] => 8, _ => 0 };
            // Of two that stand together neither begins an escape.
            if (line is [(byte)'\\', (byte)'\\', ..])
            {
                text.Append(@"\\");
                line = line[2..];
                continue;
            }

            if (digits == 0) text.Append((char)line[0]);
            else if (line.Length < 2 + digits
                || !uint.TryParse(line.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code > 0x10ffff)
            {
                throw Refuse("has a string with an escape that Python does not write");
            }
            else if (!_isGuess && code <= char.MaxValue && char.IsLowSurrogate((char)code) && text.Length > 0 && char.IsHighSurrogate(text[^1])) throw Refuse(TwoHalves);
            else if (code <= char.MaxValue) text.Append((char)code);
            else text.Append(char.ConvertFromUtf32((int)code));
            line = line[(digits == 0 ? 1 : 2 + digits)..];
        }

        return text.ToString();
    }
}
