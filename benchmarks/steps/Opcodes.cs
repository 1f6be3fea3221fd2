using System.Buffers.Binary;
using System.Text;

namespace Loadline.Benchmarks.Steps;

/// <summary>A pickle that is written by hand, as Latin-1: its opcodes are the letters that Python has for them.</summary>
internal sealed class Opcodes(int bytes)
{
    private readonly MemoryStream _stream = new(bytes + 1000);

    public bool IsFull => _stream.Length >= bytes;

    public static string Int32(int value)
    {
        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(four, value);
        return Encoding.Latin1.GetString(four);
    }

    /// <summary>Recalls what was memoized so.</summary>
    public static string Get(int index) => index < 256 ? $"h{(char)index}" : "j" + Int32(index);

    public static string Put(int index) => index < 256 ? $"q{(char)index}" : "r" + Int32(index);

    public static string Text(string text) => "X" + Int32(text.Length) + text;

    public static string Int(int value) => "J" + Int32(value);

    public static string Global(string whole) => $"c{whole[..whole.LastIndexOf('.')]}\n{whole[(whole.LastIndexOf('.') + 1)..]}\n";

    /// <summary>So many values in a list.</summary>
    public static string List(int count, Func<int, string> item) => "](" + Each(count, item) + "e";

    public static string Tuple(int count, Func<int, string> item) => "(" + Each(count, item) + "t";

    public static string Dict(int count, Func<int, string> key, Func<int, string> value) => "}(" + Each(count, i => key(i) + value(i)) + "u";

    public static string Each(int count, Func<int, string> item) => string.Concat(Enumerable.Range(0, count).Select(item));

    public Opcodes Add(string opcodes)
    {
        _stream.Write(Encoding.Latin1.GetBytes(opcodes));
        return this;
    }

    /// <summary>The same opcodes until this share of the bytes is written, or as often as is said.</summary>
    public Opcodes Repeat(Func<int, string> opcodes, double share = 1, int most = int.MaxValue)
    {
        for (var i = 0; i < most && _stream.Length < share * bytes; i++) Add(opcodes(i));
        return this;
    }

    /// <summary>Bytes that buy steps and take none.</summary>
    public Opcodes Pad(double share = 1)
    {
        var rest = (int)(share * bytes - _stream.Length);
        if (rest <= 0) return this;
        Add("B" + Int32(rest));
        _stream.Write(new byte[rest]);
        return Add("0");
    }

    /// <summary>Lists of ten times the list before, the first of them of what was memoized as 0, until there is no end to be reached.</summary>
    public Opcodes Multiply(int levels = 9)
    {
        for (var level = 1; level <= levels; level++) Add(List(10, _ => Get(level - 1)) + Put(level) + "0");
        return Add(Get(levels));
    }

    public byte[] ToArray() => _stream.ToArray();
}
