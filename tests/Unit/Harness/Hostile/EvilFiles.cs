using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Loadline.Unit.Checkpoints.Legacy;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>
/// What somebody might put on a download page, each with what the refusal has to say.
/// </summary>
internal static class EvilFiles
{
    private const int Mega = 1_000_000;

    public static IReadOnlyDictionary<string, (Func<byte[]> Make, string Says)> All { get; } = new Dictionary<string, (Func<byte[]>, string)>
    {
        ["a header of 99 MB of nested arrays"] = (() => Safetensors("{\"a\":{\"x\":" + new string('[', 99 * Mega) + "}}"), "the header is refused"),
        ["a header of a million tensors of 21 bytes"] = (() => Safetensors(Members(Mega, i => $"\"{i:x}\":[\"U8\",[],[0,0]]")), "tensors in"),
        ["a name of 50 MB"] = (() => Safetensors("{\"" + new string('a', 50 * Mega) + "\":{}}"), "a name of 50000000 bytes"),
        ["a shape of ten million sizes"] = (() => Safetensors("{\"a\":{\"shape\":[" + string.Join(',', Enumerable.Repeat("1", 10 * Mega)) + "]}}"), "64 dimensions"),
        ["a shape that overflows"] = (() => Safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}"), "no size in whole bytes"),
        ["an index of three million tensors"] = (() => Bytes("{\"weight_map\":" + Members(3 * Mega, i => $"\"{i:x}\":\"s\"") + "}"), "names more than"),
        ["an index with a million entries of metadata"] = (() => Bytes("{\"weight_map\":{\"a\":\"s\"},\"metadata\":" + Members(Mega, i => $"\"{i:x}\":1") + "}"), "its metadata has more than"),
        ["an index with ten million lists beside it"] = (() => Bytes("{\"weight_map\":{\"../a\":\"../s\"},\"x\":[" + string.Join(',', Enumerable.Repeat("[]", 10 * Mega)) + "]}"), "no plain path below"),
        ["tensors of 64 dimensions"] = (() => Safetensors(Members(200_000, i => $"\"{i:x}\":{{\"dtype\":\"U8\",\"shape\":[0{Repeat(",0", 63)}],\"data_offsets\":[0,0]}}") + "x"), "the header is refused"),
        ["a shard that climbs out of the folder"] = (() => Bytes("{\"weight_map\":{\"a\":\"../../etc/passwd\"}}"), "no plain path below"),
        ["a dat of a million empty tensors"] = (Dat, "describes more"),
        ["a deflated pickle of a gigabyte"] = (() => Deflated("data.pkl", zeros: 1 << 30), "more than the limit of 33554432"),
        ["a deflated pickle that fills the stack"] = (() => Deflated("data.pkl", File("(" + new string('N', 20 * Mega) + "t")), "on its stack"),
        ["lists in lists, doubled through the memo"] = (() => TinyArchive.Of(Doubled("]q{0}", "e")), "than its descriptions need"),
        ["dictionaries in dictionaries"] = (() => TinyArchive.Of(Doubled("}}q{0}", "u", key: "K{1}")), "than its descriptions need"),
        ["tuples in tuples"] = (() => TinyArchive.Of(")q\00" + string.Concat(Enumerable.Range(1, 99).Select(i => $"h{(char)(i - 1)}h{(char)(i - 1)}\u0086q{(char)i}0")) + "hc"), "than its descriptions need"),
        ["a string of a megabyte, a million times"] = (() => TinyArchive.Of("(" + Text(new string('x', Mega)) + "q\0" + Repeat("h\0\u0085", Mega) + "t"), "than its descriptions need"),
        ["a text encoded again and again, in a deflated pickle"] = (() => Deflated("data.pkl", File(
            Text(new string('a', 20 * Mega)) + "q\0" + Repeat(TinyPickle.Call("_codecs", "encode", "h\0", Text("latin1")) + "0", 7))), "than its descriptions need"),
        ["an integer of two gigabytes"] = (() => TinyArchive.Of("\u008b" + Int32(int.MaxValue)), "an integer of 2147483647 bytes"),
        ["a frame of eight exabytes"] = (() => TinyArchive.Of("\u0095" + Int64(long.MaxValue) + "N"), "a frame of 9223372036854775807 bytes"),
        ["ten million marks"] = (() => TinyArchive.Of(new string('(', 10 * Mega)), "groups"),
        ["ten million tuples around a tuple"] = (() => TinyArchive.Of(")" + new string('\u0085', 10 * Mega)), "than its descriptions need"),
        ["a million types of NumPy's with long names"] = (() => TinyArchive.Of(
            Global("numpy", "dtype") + "q\0" + Tuple(Text("<" + new string('x', 63))) + "q\u0001]" + Repeat("(" + Repeat("h\0h\u0001R", 1000) + "e", 1300)), "than its descriptions need"),
        ["negative strides"] = (() => TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", 4), 3, [4], [-1]))), "negative"),
        ["a shape that overflows 63 bits"] = (() => TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", 4), 0, [long.MaxValue, long.MaxValue], [1, 1]))), "reaches beyond"),
        ["views of more bytes than any disk has"] = (() => TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", 4), 0, [1L << 60], [0]))), "1024 TiB"),
        ["a call of os.system"] = (() => TinyArchive.Of(TinyPickle.Call("os", "system", Text("touch /tmp/loadline-was-here"))), "os.system"),
        ["a name that steers the terminal"] = (() => TinyArchive.Of(Dict(Text("a\n\u001b]0;x\u0007\u202eb"), Tensor(Storage("1", 4), 0, [4], [1]))), "a\\u000a\\u001b]0;x\\u0007\\u202eb"),
        ["a million records"] = (ManyRecords, "no data.pkl"),
        ["records that overlap"] = (Overlapping, "overlap"),
    };

    /// <summary>What looks as if it were made to take long or much, but is sound.</summary>
    public static IReadOnlyDictionary<string, (Func<byte[]> Make, string Command)> Sound { get; } = new Dictionary<string, (Func<byte[]>, string)>
    {
        ["a set of a million empty texts that a thousand others hold"] =
            (() => Deflated("data.pkl", File(Text("") + "q\00(" + Repeat("h\0", Mega) + "\u0091q\u00010](" + Repeat("h\u0001", 1000) + "e")), "inspect"),
        ["two million names in a legacy file"] = (() => TinyLegacy.Of("}" + Repeat("ctorch\nbool\n0", 2 * Mega), "]", ""), "inspect"),
        ["sixteen thousand modules of one tensor"] = (() => TinyArchive.Of(Ties(16_000)), "map"),
    };

    private static string Ties(int count)
    {
        var (rebuild, storage, sizes, steps) = ("q\0", "q\u0001", "q\u0002", "q\u0003");
        var first = Global("torch._utils", "_rebuild_tensor_v2") + rebuild
            + Tuple(Storage("0", 4) + storage, Int(0), Ints(4) + sizes, Ints(1) + steps, "\u0089", OrderedDict + "q\u0004") + "R";
        return "}(" + Text("m.w") + first + string.Concat(Enumerable.Range(0, count).Select(i => Text($"m{i}.w") + "h\0(h\u0001K\0h\u0002h\u0003\u0089h\u0004tR")) + "u";
    }

    private static string Members(int count, Func<int, string> member) => "{" + string.Join(',', Enumerable.Range(0, count).Select(member)) + "}";

    private static string Repeat(string opcodes, int count) => string.Concat(Enumerable.Repeat(opcodes, count));

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static byte[] Safetensors(string header)
    {
        var file = new byte[8 + header.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        Encoding.Latin1.GetBytes(header, file.AsSpan(8));
        return file;
    }

    /// <summary>A hundred containers, each of which holds the one before twice.</summary>
    private static string Doubled(string start, string end, string key = "")
    {
        var pickle = new StringBuilder("(" + string.Format(null, start, '\0'));
        for (var i = 1; i < 100; i++)
        {
            var before = "h" + (char)(i - 1);
            pickle.AppendFormat(null, start, (char)i).Append('(').AppendFormat(null, key, 0, '\u0001').Append(before).AppendFormat(null, key, 0,
                '\u0002').Append(before).Append(end);
        }

        return pickle.Append('t').ToString();
    }

    private static byte[] Dat()
    {
        using var file = new MemoryStream();
        file.Write([0xc0, 0x84, 0x3d]);
        for (var i = 0; i < Mega; i++) file.Write([5, .. Encoding.ASCII.GetBytes($"{i:x5}"), 0, 1, 0]);
        return file.ToArray();
    }

    private static byte[] Deflated(string name, ReadOnlySpan<byte> bytes = default, int zeros = 0)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var record = zip.CreateEntry("a/" + name, CompressionLevel.SmallestSize).Open();
            record.Write(bytes);
            var piece = new byte[Mega];
            for (; zeros > 0; zeros -= piece.Length) record.Write(piece.AsSpan(0, Math.Min(zeros, piece.Length)));
        }

        return stream.ToArray();
    }

    private static byte[] ManyRecords()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            for (var i = 0; i < Mega; i++) zip.CreateEntry($"a/data/{i}", CompressionLevel.NoCompression).Open().Dispose();
        }

        return stream.ToArray();
    }

    private static byte[] Overlapping()
    {
        var two = TinyArchive.Of(
            ("a/data.pkl", File(Dict(Text("v"), Tensor(Storage("0", 4), 0, [4], [1]), Text("w"), Tensor(Storage("1", 4), 0, [4], [1])))),
            ("a/data/0", new byte[16]), ("a/data/1", new byte[16]));
        var first = two.AsSpan().IndexOf("a/data/0"u8) - 30;
        return TinyArchive.Patch(two, [0x50, 0x4b, 1, 2], 42, BitConverter.GetBytes(first));
    }
}
