using System.Numerics;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// What Python makes of bytes that are perhaps no pickle, of opcodes that are otherwise held against what writers write: whatever Python takes is passed over, and
/// makes a value of which nothing is known. What is refused as malformed is an error to Python as well; what Python might run, or nobody can know, is a limit.
/// </summary>
internal sealed partial class PickleMachine
{
    private const int BytesPerMemo = 120;
    private const int StepsPerMemo = 8;
    private const int LongBytes = 64 << 10;

    // An index that is a number to Python and none here.
    private const long AnyIndex = -1;

    // One for all: a guess puts nothing into values.
    private static readonly OpaqueValue Unknown = new("", PickleTuple.Empty);

    // A text that was passed over: no number, whatever is in it.
    private static readonly PickleTuple LongText = new([]);

    private Dictionary<MemoIndex, object?>? _guessedMemo;

    private Dictionary<MemoIndex, object?> GuessedMemo => _guessedMemo ??= [];

    private bool ReadGuessed(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinGet: Push(RecallGuessed(Next())); break;
            case PickleOpcode.LongBinGet: Push(RecallGuessed(ReadUInt32())); break;
            case PickleOpcode.BinPut: MemoizeGuessed(Next()); break;
            case PickleOpcode.LongBinPut: MemoizeGuessed(ReadUInt32()); break;
            case PickleOpcode.Memoize: MemoizeGuessed(GuessedMemo.Count); break;
            case PickleOpcode.ReadOnlyBuffer: Peek(); break;
            case PickleOpcode.Build: Pop(); Peek(); break;
            case PickleOpcode.Long4: Push(LongGuessed(ReadUInt32())); break;
            case PickleOpcode.Ext1: Take(1); Push(Unknown); break;
            case PickleOpcode.Ext2: Take(2); Push(Unknown); break;
            case PickleOpcode.Ext4: Take(4); Push(Unknown); break;
            case PickleOpcode.BinUnicode or PickleOpcode.BinString or PickleOpcode.BinBytes: return TrySkipLong(opcode, ReadUInt32());
            case PickleOpcode.BinUnicode8 or PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: return TrySkipLong(opcode, ReadInt64());
            case PickleOpcode.StackGlobal when _stack is not [.., string, string]: throw RefuseGuessedName(Pop(), Pop());
            case PickleOpcode.Int or PickleOpcode.Long or PickleOpcode.Float or PickleOpcode.String or PickleOpcode.Unicode or PickleOpcode.Get or PickleOpcode.Put:
                return ReadGuessedLine(opcode);
            default: return false;
        }

        return true;
    }

    // A value of which nothing is known.
    private OpaqueValue? Guessed() => _isGuess ? Unknown : null;

    // What is called may be anything: Python would do it.
    private void RefuseGuessedCall(object? callee)
    {
        if (_isGuess && callee is OpaqueValue) throw RefuseLimit("calls what is not known");
    }

    // Of what is no text, or not there, it is an error to Python, too: a header's length may begin so.
    private CheckpointException RefuseGuessedName(object? name, object? module) => MayBeText(name) && MayBeText(module)
        ? RefuseLimit("names what is not known")
        : Refuse("names a global by something other than strings");

    // All but what is certainly something else: what a module's member is, as in math.__name__, nobody knows.
    private static bool MayBeText(object? value) =>
        ReferenceEquals(value, LongText) || value is not (null or bool or long or BigInteger or double or PickleComplex or byte[] or PickleContainer);

    // Not read: behind a length that a file of weights happens to have lie gigabytes of them.
    private bool TrySkipLong(PickleOpcode opcode, long bytes)
    {
        if (bytes < 0 || bytes > _input.Left) throw Refuse($"declares {bytes} bytes, but has {_input.Left} left");
        if (bytes <= LongBytes) ReadCounted(opcode, bytes);
        else
        {
            _input.Skip(bytes);
            Push(LongText);
        }

        return true;
    }

    private void ReadCounted(PickleOpcode opcode, long bytes)
    {
        if (opcode is PickleOpcode.BinUnicode or PickleOpcode.BinUnicode8) PushText(bytes);
        else if (opcode == PickleOpcode.BinString) PushOld(Take(bytes));
        else PushBytes(bytes);
    }

    // False where the line is one that is read as always.
    private bool ReadGuessedLine(PickleOpcode opcode)
    {
        var isNear = _input.TryPeekLine(out var line);
        if (opcode is PickleOpcode.String or PickleOpcode.Unicode)
        {
            if (isNear) return false;
            if (opcode == PickleOpcode.String && line is not [(byte)'\'' or (byte)'"', ..]) throw Refuse("has a string without quotes");
            SkipLine();
            Push(LongText);
            return true;
        }

        // C ends numbers where a zero is.
        var number = line.IndexOf((byte)0) is >= 0 and var end ? line[..end] : line;
        var isPlain = isNear && number.Length == line.Length && number.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
        if (isPlain && opcode is not (PickleOpcode.Get or PickleOpcode.Put)) return false;
        // An error to Python, however long the line is: as of the length of a header, or the first size of a file of a model's, that begins with an I or an L.
        if (!isPlain && number.IndexOfAnyExcept("0123456789abcdefABCDEFxXoOinftyINFTYL_.+- \t\r\v\f"u8) >= 0) throw Refuse("has a number that is none");

        // Nothing before the zero, as in the length of a header, is no number to Python either; but an I right before a zero is 0 to C.
        var isZeroOfC = opcode == PickleOpcode.Int && number.IsEmpty;
        if (!isPlain && !isZeroOfC && number.Trim(" \t\r\v\f"u8).IsEmpty && opcode is not (PickleOpcode.Get or PickleOpcode.Put)) throw Refuse("has a number that is none");

        var index = isPlain && long.TryParse(number, System.Globalization.CultureInfo.InvariantCulture, out var plain) ? plain : AnyIndex;
        SkipLine();
        if (opcode == PickleOpcode.Put) MemoizeGuessed(index);
        else Push(opcode == PickleOpcode.Get ? RecallGuessed(index) : Unknown);
        return true;
    }

    private void SkipLine()
    {
        if (!_input.TrySkipLine()) throw Refuse("has a line without an end");
    }

    private object? RecallGuessed(long index)
    {
        _ledger.Work(StepsPerMemo);
        return index == AnyIndex || GuessedMemo.ContainsKey(new(AnyIndex))
            ? Unknown
            : GuessedMemo.TryGetValue(new(index), out var value) ? value : throw Refuse($"recalls {index}, which it never memoized");
    }

    private void MemoizeGuessed(long index)
    {
        _ledger.Charge(BytesPerMemo);
        GuessedMemo[new(index)] = Peek();
    }

    // Zeros at its end make a number longer and no other.
    private object LongGuessed(uint bytes)
    {
        if (bytes > int.MaxValue || bytes > _input.Left) throw Refuse($"declares an integer of {bytes} bytes");
        if (bytes > LongBytes)
        {
            _input.Skip(bytes);
            return Unknown;
        }

        var all = Take(bytes);
        var digits = all.TrimEnd((byte)0);
        return digits.Length > MaxIntegerBytes ? 0L : new BigInteger(digits, isUnsigned: digits.Length < all.Length);
    }

    // As it stands in a line, or on the stack.
    private PickleGlobal Named(string module, string name)
    {
        if (_isGuess && module.Length + name.Length > PickleContext.MaxNameLength) throw RefuseLongName(module);
        return _context.Global(module, name);
    }

    // No module has one of these in its name, nor no name. Members have names of any kind: there are modules that answer to all of them.
    private const string NoModule = "\0 \t\r\n\"'{}[]():;,+*/\\<>=#";

    private CheckpointException RefuseLongName(string module) =>
        module.Length == 0 || module.AsSpan().ContainsAny(NoModule) ? Refuse("names what nobody can have") : RefuseLimit("names something by a long name");

    /// <summary>Where a value is memoized. The halves of a number by themselves: numbers that a file chose could all have one hash.</summary>
    private sealed record MemoIndex(long Index)
    {
        public override int GetHashCode() => HashCode.Combine((int)Index, (int)(Index >> 32));
    }
}
