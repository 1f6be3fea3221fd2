using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>The opcodes that carry a value of their own.</summary>
internal sealed partial class PickleMachine
{
    // Printing an integer takes quadratic time; PyTorch itself has none beyond 128 bits.
    private const int MaxIntegerBytes = 256;

    private const long NoFrame = -1;

    private static readonly object[] SmallIntegers = BoxBytes();
    private static readonly object True = true;
    private static readonly object False = false;

    private bool ReadValue(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.None: Push(null); break;
            case PickleOpcode.NewTrue: Push(True); break;
            case PickleOpcode.NewFalse: Push(False); break;
            case PickleOpcode.BinInt1: Push(SmallIntegers[Next()]); break;
            case PickleOpcode.BinInt2: PushNew((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case PickleOpcode.BinInt: PushNew((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case PickleOpcode.Long1: PushNew(ReadInteger(Next())); break;
            case PickleOpcode.Long4: PushNew(ReadInteger(ReadUInt32())); break;
            case PickleOpcode.BinFloat: PushNew(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case PickleOpcode.ShortBinUnicode: PushText(Next()); break;
            case PickleOpcode.BinUnicode: PushText(ReadUInt32()); break;
            case PickleOpcode.BinUnicode8: PushText(ReadInt64()); break;
            case PickleOpcode.ShortBinString: PushOld(Take(Next())); break;
            case PickleOpcode.BinString: PushOld(Take(ReadUInt32())); break;
            case PickleOpcode.ShortBinBytes: PushBytes(Next()); break;
            case PickleOpcode.BinBytes: PushBytes(ReadUInt32()); break;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: PushBytes(ReadInt64()); break;
            default: return false;
        }

        return true;
    }

    private byte Next() => _input.Left > 0 ? _input.Take(1)[0] : throw Refuse("has no end", _input.Shortage);

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0) throw Refuse($"declares {count} bytes");
        return count <= _input.Left ? _input.Take((int)count) : throw Refuse($"declares {count} bytes, but has {_input.Left} left", _input.Shortage);
    }

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    /// <summary>
    /// Frames only help readers that fetch a pickle in pieces; but Python's reader in C, which has a frame as a whole, passes over the rest of it where a value
    /// needs more, and goes on behind a frame in which it stops. No writer makes either, and to others it would be another pickle. Source: Modules/_pickle.c of
    /// CPython 3.11, <c>_Unpickler_ReadImpl</c>, <c>load_frame</c>.
    /// </summary>
    private void BeginFrame()
    {
        var bytes = ReadInt64();
        if (bytes < 0 || bytes > _input.Left) throw Refuse($"declares a frame of {bytes} bytes, but has {_input.Left} left", _input.Shortage);
        if (_leftBehindFrame != NoFrame) throw RefuseFrame("has a frame inside of a frame");
        _leftBehindFrame = _input.Left - bytes;
    }

    private void EndFrame()
    {
        if (_input.Left != _leftBehindFrame) throw RefuseFrame("has a value that is longer than its frame");
        _leftBehindFrame = NoFrame;
    }

    private CheckpointException RefuseFrame(string problem) => _isGuess ? RefuseLimit(problem) : Refuse(problem);

    private object ReadInteger(long byteCount)
    {
        if (byteCount > MaxIntegerBytes) throw RefuseLimit($"has an integer of {byteCount} bytes, more than the limit of {MaxIntegerBytes}");
        var bytes = Take(byteCount);
        if (bytes.Length <= sizeof(long)) return ReadLong(bytes);
        var integer = new BigInteger(bytes);
        return integer >= long.MinValue && integer <= long.MaxValue ? (object)(long)integer : integer;
    }

    private static long ReadLong(ReadOnlySpan<byte> bytes)
    {
        long number = bytes is [.., >= 0x80] ? -1 : 0;
        for (var i = bytes.Length - 1; i >= 0; i--) number = number << 8 | bytes[i];
        return number;
    }

    // Charged before it is made: a length costs the file four bytes, a text of that length twice as many as it says.
    private void PushText(long byteCount)
    {
        var bytes = Take(byteCount);
        var charged = MemorySize.OfText(byteCount);
        _ledger.Charge(charged);
        var text = Decode(bytes);
        _ledger.Refund(charged - MemorySize.OfText(text.Length));
        Push(text);
    }

    private void PushBytes(long byteCount)
    {
        var bytes = Take(byteCount);
        _ledger.Charge(MemorySize.OfText(0) + byteCount);
        Push(bytes.ToArray());
    }

    /// <summary>A string of Python 2: text, or whatever bytes its program had.</summary>
    private void PushOld(ReadOnlySpan<byte> bytes)
    {
        if (Ascii.IsValid(bytes))
        {
            _ledger.Charge(MemorySize.OfText(bytes.Length));
            Push(Encoding.ASCII.GetString(bytes));
        }
        else
        {
            _ledger.Charge(2 * MemorySize.OfText(0) + bytes.Length);
            Push(new Python2String(bytes.ToArray()));
        }
    }

    private PickleGlobal ReadGlobal()
    {
        var module = ReadLine(module: null);
        return Named(module, ReadLine(module));
    }

    // A line without an end is the begin of a long name to a guess: of a member of the module, or of the module itself.
    private string ReadLine(string? module)
    {
        if (_input.TryTakeLine(out var line)) return Decode(line);
        throw _isGuess ? RefuseLongName(module ?? Encoding.Latin1.GetString(line)) : RefuseEndless("a global");
    }

    private ReadOnlySpan<byte> TakeLine(string what) => _input.TryTakeLine(out var line) ? line : throw RefuseEndless(what);

    private CheckpointException RefuseEndless(string what) => Refuse($"has {what} without an end", _input.Shortage);

    private string Decode(ReadOnlySpan<byte> bytes)
    {
        if (!PythonText.TryDecode(bytes, out var text)) throw Refuse("has a string that is no UTF-8");
        return _isGuess || !PythonText.HasTwoHalves(bytes) ? text : throw Refuse(TwoHalves);
    }

    private static object[] BoxBytes()
    {
        var boxes = new object[256];
        for (var i = 0; i < boxes.Length; i++) boxes[i] = (long)i;
        return boxes;
    }
}
