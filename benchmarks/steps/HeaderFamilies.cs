using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Loadline.Benchmarks.Steps;

/// <summary>What is no pickle: headers of JSON, directories, code, descriptions between weights.</summary>
internal static class HeaderFamilies
{
    private const string Nothing = ":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},";
    private const string Slow = "1.00000000000000011102230246251565404236316680908203125";

    public static IEnumerable<Family> All =>
    [
        Header("tensors", i => $"\"{i}\"{Nothing}"),
        Header("tensors, least", i => $"\"{i:x}\":[\"U8\",[0],[0,0]],"),
        Header("tensors with blanks", i => $"\"{i}\"      {Nothing}"),
        Header("tensors of many dimensions", i => $"\"{i}\":[\"U8\",[{string.Concat(Enumerable.Repeat("1,", i % 8 == 0 ? 63 : 1))}0],[0,0]],"),
        Header("tensors whose names are no ASCII", i => $"\"\u00e9{i}\"{Nothing}"),
        Header("tensors whose names have escapes", i => $"\"\\n{i}\"{Nothing}"),
        Header("tensors of long names", i => $"\"{new string('x', 60_000)}{i}\"{Nothing}"),
        Header("tensors of long names that are no ASCII", i => $"\"{new string('\u00e9', 30_000)}{i}\"{Nothing}"),
        Header("metadata", i => $"\"{i}\":\"\",", "\"__metadata__\":{"),
        Header("metadata of escapes", i => $"\"\\n{i}\":\"\\n\",", "\"__metadata__\":{"),
        Header("a long text of escapes", _ => "\\u00e9", "\"__metadata__\":{\"a\":\""),
        Header("unknown fields, numbers", _ => "1,", "\"a\":{\"b\":["),
        Header("unknown fields, long numbers", _ => Slow + ",", "\"a\":{\"b\":["),
        Header("unknown fields, very long numbers", _ => $"{Slow}{new string('0', 700)}1,", "\"a\":{\"b\":["),
        Header("unknown fields, numbers far from 1", _ => "1234567890123456789e-300,", "\"a\":{\"b\":["),
        Header("unknown fields, texts", _ => "\"\",", "\"a\":{\"b\":["),
        Header("unknown fields, texts of escapes", _ => "\"\\n\",", "\"a\":{\"b\":["),
        Header("unknown fields, texts that are no ASCII", _ => "\"\u00e9\",", "\"a\":{\"b\":["),
        Header("unknown fields, lists", _ => "[],", "\"a\":{\"b\":["),
        Header("unknown fields, names of escapes", _ => "\"\\n\":1,", "\"a\":{"),
        Header("blanks", _ => "          ", "\"a\":"),
        Index("tensors", i => $"\"{i}\":\"{i % 8000:x4}\","),
        Index("tensors with blanks", i => $"\"{i}\":\"{i % 8000:x4}\"{new string(' ', 60)},"),
        Index("tensors whose names have escapes", i => $"\"\\n{i}\":\"\\n{i % 8000:x4}\"{new string(' ', 50)},"),
        Index("shards of long names", i => $"\"{i}\":\"{new string('x', 4000)}{i % 8000:x4}\","),
        new("index, what is passed over", "a.index.json", bytes => Json(bytes, "{\"weight_map\":{},\"a\":[", _ => "[],")),
        new("index, metadata", "a.safetensors.index.json", bytes => Json(bytes, "{\"metadata\":{", i => $"\"\\n{i}\":\"\\n\",")),
        new("digests (read beside a load)", "a.digests.json", bytes => Json(bytes, "{", i => $"\"{i}\":{{\"dtype\":\"float32\",\"sha256\":\"{i:x64}\",\"shape\":[1]}},")),
        Directory("records", (i, bytes) => ($"a/{i:x}", [])),
        Directory("records of long names", (i, bytes) => ($"a/{i:x}{new string('x', 1000)}", [])),
        Directory("records in capitals", (i, bytes) => ($"a/X{i:x}", [])),
        Directory("records elsewhere", (i, bytes) => ($"b/{i:x}", [])),
        Directory("records of code", (i, bytes) => ($"a/code/__torch__/{i:x}.py", []), scripted: true),
        Directory(
            "records of code, deflated", (i, bytes) => ($"a/code/__torch__/{i:x}.py", "class A:\n  def __setstate__("u8.ToArray()), scripted: true, CompressionLevel.SmallestSize),
        Code("empty lines", "\n"),
        Code("classes", "class A:\n  def __setstate__(\n"),
        Code("classes without", "class A:\n"),
        Code("blanks", new string(' ', 1000) + "\n"),
        Code("nearly states", "__setstate_"),
        new("tensors of storages of their own", "a.pth", Storages),
        new("a deflated pickle", "a.pth", Deflated),
        new("legacy, storages", "a.pth", Legacy),
        new("dat, tensors", "a.dat", bytes => Dat(bytes, i => [8, .. Encoding.ASCII.GetBytes($"{i:x8}"), 0, 1, 0])),
        new("dat, tensors of 1 KB", "a.dat", bytes => Dat(bytes, i => [8, .. Encoding.ASCII.GetBytes($"{i:x8}"), 0, 1, 0x80, 8, .. new byte[1024]])),
        new("dat, tensors of long names", "a.dat", bytes => Dat(bytes, i => [0x88, 8, .. Encoding.ASCII.GetBytes($"{i:x8}{new string('x', 1024)}"), 0, 1, 0])),
        new("dat, states of an optimizer", "a.dat", bytes => [3, .. "SGD"u8, 0, .. Number(bytes), .. new byte[bytes]]),
    ];

    private static Family Header(string name, Func<int, string> member, string start = "") => new($"safetensors, {name}", "a.safetensors", bytes =>
    {
        var json = Json(bytes, "{" + start, member);
        var file = new byte[json.Length + 8];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    });

    private static Family Index(string name, Func<int, string> member) => new($"index, {name}", "a.safetensors.index.json", bytes => Json(bytes, "{\"weight_map\":{", member));

    // The end is not what it should be, and read last.
    private static byte[] Json(int bytes, string start, Func<int, string> member)
    {
        using var json = new MemoryStream(bytes + 100_000);
        json.Write(Encoding.UTF8.GetBytes(start));
        for (var i = 0; json.Length < bytes; i++) json.Write(Encoding.UTF8.GetBytes(member(i)));
        return json.ToArray()[..^1];
    }

    private static Family Directory(
        string name, Func<int, int, (string, byte[])> record, bool scripted = false, CompressionLevel level = CompressionLevel.NoCompression) => new($"zip directory, {name}", "a.pth", bytes =>
    {
        var first = record(0, bytes);
        var each = 76 + 2 * first.Item1.Length + 12 + first.Item2.Length;
        List<(string, byte[])> records = [("a/data.pkl", [0x80, 2, (byte)'N', (byte)'.'])];
        if (scripted) records.Add(("a/constants.pkl", [0x80, 2, (byte)')', (byte)'.']));
        return Archives.Of([.. records, .. Enumerable.Range(0, bytes / each).Select(i => record(i, bytes))], level);
    });

    private static Family Code(string name, string line) => new($"TorchScript, {name}", "a.pth", bytes =>
    {
        var code = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(line, Math.Min(bytes, 8_000_000) / line.Length)));
        Encoding.ASCII.GetBytes("#__setstate__\n").CopyTo(code, code.Length - 14);
        List<(string, byte[])> records = [("a/data.pkl", [0x80, 2, (byte)'N', (byte)'.']), ("a/constants.pkl", [0x80, 2, (byte)')', (byte)'.'])];
        return Archives.Of([.. records, .. Enumerable.Range(0, Math.Max(1, bytes / 8_000_000)).Select(i => ($"a/code/__torch__/m{i}.py", code))]);
    });

    // What every storage says of itself, by its places in the memo.
    private static string Shared => Opcodes.Text("storage") + "q\0" + "0" + Opcodes.Global("torch.FloatStorage") + "q\x01" + "0" + Opcodes.Text("cpu") + "q\x02" + "0";

    private static byte[] Storages(int bytes)
    {
        var count = bytes / 190;
        var pickle = new Opcodes(bytes).Add("\u0080\x02" + Shared
            + Opcodes.Global("torch._utils._rebuild_tensor_v2") + "q\x03" + "0](");
        pickle.Repeat(i => $"h\x03((h\0h\x01X\x05\0\0\0{i:x5}h\x02K\0tQK\0K\0\u0085K\x01\u0085\u0089NNtR", most: count);
        return Archives.Of([("a/data.pkl", pickle.Add("e.").ToArray()), .. Enumerable.Range(0, count).Select(i => ($"a/data/{i:x5}", Array.Empty<byte>()))]);
    }

    // Numbers without an order, so that little of it is what stood before.
    private static byte[] Deflated(int bytes)
    {
        var pickle = new Opcodes(Math.Min(32_000_000, 3 * bytes)).Add("\u0080\x02").Repeat(i => $"M{(char)(i * 7919 % 251)}{(char)(i * 104729 % 241)}0").Add("N.");
        return Archives.Of([("a/data.pkl", pickle.ToArray())], CompressionLevel.SmallestSize);
    }

    private static byte[] Legacy(int bytes)
    {
        var count = bytes / 60;
        var pickle = new Opcodes(bytes).Add("\u0080\x02\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\x19.\u0080\x02M\u00e9\x03.\u0080\x02}.\u0080\x02" + Shared + "N");
        pickle.Repeat(i => $"(h\0h\x01X\x05\0\0\0{i:x5}h\x02K\0NtQ0", most: count).Add(".\u0080\x02](").Repeat(i => $"X\x05\0\0\0{i:x5}", most: count).Add("e.");
        return [.. pickle.ToArray(), .. new byte[8 * count]];
    }

    // In ULEB128, of four bytes.
    private static byte[] Number(int number) => [(byte)(number | 0x80), (byte)(number >> 7 | 0x80), (byte)(number >> 14 | 0x80), (byte)(number >> 21)];

    private static byte[] Dat(int bytes, Func<int, byte[]> tensor)
    {
        using var file = new MemoryStream(bytes + 2000);
        var count = bytes / tensor(0).Length;
        file.Write(Number(count));
        for (var i = 0; i < count; i++) file.Write(tensor(i));
        return file.ToArray();
    }
}
