using System.Buffers.Binary;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>Appends opcodes of protocol 2, which every PyTorch reads. Globals and strings that recur are memoized, as Python's pickler does.</summary>
internal sealed class PickleWriter
{
    private readonly MemoryStream _bytes = new();
    private readonly Dictionary<string, int> _memo = [];

    public void Op(PickleOpcode opcode) => _bytes.WriteByte((byte)opcode);

    public void Start()
    {
        Op(PickleOpcode.Proto);
        _bytes.WriteByte(2);
    }

    public byte[] Stop()
    {
        Op(PickleOpcode.Stop);
        return _bytes.ToArray();
    }

    /// <summary>A string, written out each time.</summary>
    public void Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        Op(PickleOpcode.BinUnicode);
        Number((uint)utf8.Length, 4);
        _bytes.Write(utf8);
    }

    /// <summary>A string that recurs.</summary>
    public void SharedText(string text)
    {
        if (!TryRecall(text)) Memoize(text, () => Text(text));
    }

    public void Global(string module, string name)
    {
        var key = module + "\n" + name + "\n";
        if (TryRecall(key)) return;
        Memoize(key, () =>
        {
            Op(PickleOpcode.Global);
            _bytes.Write(Encoding.UTF8.GetBytes(key));
        });
    }

    public void Integer(long value)
    {
        switch (value)
        {
            case >= 0 and <= byte.MaxValue: Op(PickleOpcode.BinInt1); Number((ulong)value, 1); break;
            case >= 0 and <= ushort.MaxValue: Op(PickleOpcode.BinInt2); Number((ulong)value, 2); break;
            case >= 0 and <= int.MaxValue: Op(PickleOpcode.BinInt); Number((ulong)value, 4); break;
            default: Op(PickleOpcode.Long1); Number(8, 1); Number((ulong)value, 8); break;
        }
    }

    public void Tuple(ReadOnlySpan<long> values)
    {
        if (values.IsEmpty)
        {
            Op(PickleOpcode.EmptyTuple);
            return;
        }

        Op(PickleOpcode.Mark);
        foreach (var value in values) Integer(value);
        Op(PickleOpcode.Tuple);
    }

    private bool TryRecall(string key)
    {
        if (!_memo.TryGetValue(key, out var index)) return false;
        Op(PickleOpcode.BinGet);
        Number((ulong)index, 1);
        return true;
    }

    /// <summary>Only globals and a few words are memoized, far fewer than the 256 that one byte can name.</summary>
    private void Memoize(string key, Action write)
    {
        write();
        Op(PickleOpcode.BinPut);
        Number((ulong)_memo.Count, 1);
        _memo.Add(key, _memo.Count);
    }

    private void Number(ulong value, int bytes)
    {
        Span<byte> buffer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(buffer, value);
        _bytes.Write(buffer[..bytes]);
    }
}
