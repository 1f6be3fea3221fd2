using System.Buffers.Binary;
using System.Numerics;

namespace Loadline.Checkpoints.Pickles;

/// <summary>The opcodes that carry a value of their own.</summary>
internal sealed partial class PickleMachine
{
    // Printing an integer takes quadratic time; PyTorch itself has none beyond 128 bits.
    private const int MaxIntegerBytes = 256;

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
            case PickleOpcode.ShortBinUnicode: PushNew(ReadText(Next())); break;
            case PickleOpcode.BinUnicode: PushNew(ReadText(ReadUInt32())); break;
            case PickleOpcode.BinUnicode8: PushNew(ReadText(ReadInt64())); break;
            // Strings of Python 2, whose bytes are text in every file that torch.save wrote.
            case PickleOpcode.ShortBinString: PushNew(ReadText(Next())); break;
            case PickleOpcode.BinString: PushNew(ReadText(ReadUInt32())); break;
            case PickleOpcode.ShortBinBytes: PushNew(Take(Next()).ToArray()); break;
            case PickleOpcode.BinBytes: PushNew(Take(ReadUInt32()).ToArray()); break;
            case PickleOpcode.BinBytes8: PushNew(Take(ReadInt64()).ToArray()); break;
            case PickleOpcode.ByteArray8: PushNew(Take(ReadInt64()).ToArray()); break;
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

    /// <summary>Frames only help readers that fetch a pickle in pieces.</summary>
    private void SkipFrameHeader()
    {
        var bytes = ReadInt64();
        if (bytes < 0 || bytes > _input.Left) throw Refuse($"declares a frame of {bytes} bytes, but has {_input.Left} left", _input.Shortage);
    }

    private object ReadInteger(long byteCount)
    {
        if (byteCount > MaxIntegerBytes) throw RefuseLimit($"has an integer of {byteCount} bytes, more than the limit of {MaxIntegerBytes}");
        var integer = new BigInteger(Take(byteCount));
        return integer >= long.MinValue && integer <= long.MaxValue ? (object)(long)integer : integer;
    }

    private string ReadText(long byteCount) => Decode(Take(byteCount));

    private string ReadLine() => _input.TryTakeLine(out var line) ? Decode(line) : throw Refuse("names a global without an end", _input.Shortage);

    private string Decode(ReadOnlySpan<byte> bytes) => PythonText.TryDecode(bytes, out var text) ? text : throw Refuse("has a string that is no UTF-8");

    private static object[] BoxBytes()
    {
        var boxes = new object[256];
        for (var i = 0; i < boxes.Length; i++) boxes[i] = (long)i;
        return boxes;
    }
}
