using System.Buffers.Binary;
using System.Text;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Pickles written out by hand: each function gives the opcodes for a value as a string of one character a byte.</summary>
internal static class TinyPickle
{
    public const string OrderedDict = "ccollections\nOrderedDict\n)R";

    public static byte[] File(string value) => Encoding.Latin1.GetBytes("\u0080\u0002" + value + ".");

    public static string Dict(params ReadOnlySpan<string> keysAndValues) => "}(" + string.Concat(keysAndValues) + "u";

    public static string Text(string text)
    {
        var utf8 = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
        return "X" + Int32(utf8.Length) + utf8;
    }

    public static string Int(long value) => "\u008a\u0008" + Int64(value);

    public static string Tuple(params ReadOnlySpan<string> items) => "(" + string.Concat(items) + "t";

    public static string Global(string module, string name) => $"c{module}\n{name}\n";

    public static string Call(string module, string name, params ReadOnlySpan<string> arguments) => Global(module, name) + Tuple(arguments) + "R";

    public static string Ints(params long[] values) => Tuple([.. values.Select(Int)]);

    public static string Storage(string key, long count, string storageClass = "FloatStorage") =>
        Tuple(Text("storage"), Global("torch", storageClass), Text(key), Text("cpu"), Int(count)) + "Q";

    public static string Tensor(string storage, long offset, long[] shape, long[] strides) =>
        Call("torch._utils", "_rebuild_tensor_v2", storage, Int(offset), Ints(shape), Ints(strides), "\u0089", OrderedDict);

    public static string Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Encoding.Latin1.GetString(bytes);
    }

    public static string Int64(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Encoding.Latin1.GetString(bytes);
    }
}
