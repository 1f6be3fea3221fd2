using System.IO.Compression;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>
/// Small files that open at once and were slow, or large, in what comes after: loads, comparisons, digests, maps. Of most the work grew with the square of
/// the tensors, and took from twenty seconds to minutes.
/// </summary>
internal static class EvilLoads
{
    private const int Towers = 58;

    /// <summary>Each with the command line that it is given to, where FILE is the file, and the exit code.</summary>
    public static IReadOnlyDictionary<string, (Func<byte[]> Make, string Command, int ExitCode)> All { get; } = new Dictionary<string, (Func<byte[]>, string, int)>
    {
        ["twenty thousand empty tensors before one of a byte, eager"] = (() => EmptyBeforeOne(20_000), "load FILE --strategy eager", 0),
        ["the same, one at a time"] = (() => EmptyBeforeOne(20_000), "load FILE --strategy per-tensor", 0),
        ["the same, onto an accelerator"] = (() => EmptyBeforeOne(20_000), "load FILE --strategy meta-sequential --device sim:1GiB", 0),
        ["twenty thousand views of two elements of one storage, digests"] = (() => Views(20_000, storageElements: 1_000_000), "inspect FILE --digest sha256", 0),
        ["the same, compared"] = (() => Views(20_000, storageElements: 100_000), "load FILE --strategy eager --verify digest", 0),
        ["the same, onto an accelerator from a mapping"] = (() => Views(20_000, storageElements: 100_000), "load FILE --strategy mmap-assign --device sim:1GiB", 0),
        ["a set in a set, thirty times, as a key"] = (() => SetKey(30), "inspect FILE", 0),
        ["sixty thousand objects as keys"] = (() => ObjectKeys(60_000), "inspect FILE", 0),
        ["a set of a hundred thousand complex numbers that are none, as a key"] = (() => ComplexSet(100_000), "inspect FILE", 2),
        ["code of five thousand classes in a file of a long name"] = (LongCode, "inspect FILE", 2),
        ["four million times one long name, in tuples of tuples, as a key"] = (() => NamedKey(22), "inspect FILE", 2),
        ["thirty thousand tensors that share memory with one of a long name"] = (() => SharedByLongName(30_000), "inspect FILE --json", 0),
        ["twenty thousand views of a compressed record, the last first"] = (() => FallingViews(20_000), "inspect FILE --digest sha256", 2),
        ["names of what nobody sees, as a map"] = (() => HiddenNames(180, large: true), "map FILE --json --device sim:4GiB,cpu,disk", 0),
        ["names of what nobody sees, as shards"] = (() => HiddenNames(180, large: false), "convert FILE FILE.shards --format sharded", 2),
        ["four million long names among values, where functions are named"] = (() => NamesBesideFunctions(70), "inspect FILE", 0),
        ["thousands of long names of members"] = (() => LongMembers(30_000), "inspect FILE", 2),
        ["modules in modules that share memory with others as deep"] = (() => TiedTowers(4000, 68), "map FILE --device sim:4GiB,cpu,disk", 2),
        ["modules in modules, split one level at a time"] = (() => TowersBesideLayers(100, 120, 400), "map FILE --device cpu,disk --max-memory cpu=96496", 2),
        ["modules tied to each other, and too large to lie together"] = (() => TiedModules(400, 19_000), "map FILE --device sim:1GiB,disk", 2),
        ["a quarter of a million modules"] = (() => ManyModules(3600, 5), "map FILE --device cpu,disk", 0),
        ["the same, loaded"] = (() => ManyModules(3600, 5), "load FILE --strategy device-map --device cpu,disk", 0),
    };

    private static byte[] NamedKey(int depth) => TinyArchive.Of(
        Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1]), Text("x"), Dict(Global(new string('a', 4000), "x") + string.Concat(Enumerable.Repeat("2\u0086", depth)), "N")));

    private static byte[] SharedByLongName(int sharers) => TinyArchive.Of(
        Tensor(Storage("0", 4), 0, [4], [1]) + Keep(0) + "}(" + Text(new string('+', 65_000)) + Kept(0) + Named(sharers, "s", _ => Kept(0)) + "u");

    private static byte[] FallingViews(int views)
    {
        const int elements = 8_000_000;
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var pickle = zip.CreateEntry("a/data.pkl", CompressionLevel.NoCompression).Open())
                pickle.Write(File(Storage("0", elements) + Keep(0) + "}(" + Named(views, "v", i => Tensor(Kept(0), elements - 1 - i, [1], [1])) + "u"));
            using var record = zip.CreateEntry("a/data/0", CompressionLevel.Fastest).Open();
            record.Write(new byte[4 * elements]);
        }

        return stream.ToArray();
    }

    private static byte[] HiddenNames(int tensors, bool large) => TinyArchive.Of(
        ("a/data.pkl", File("}(" + Text("large") + Tensor(Storage("1", 1), 0, [large ? 5 << 28 : 1], [0]) + Named(tensors, new string('\u0001', 65_000), _ => Tensor(Storage("0", 4), 0, [4], [1])) + "u")),
        ("a/data/0", new byte[16]), ("a/data/1", new byte[4]));

    private static byte[] NamesBesideFunctions(int groups) => TinyArchive.Of(
        Global("operator", "attrgetter") + "0" + Global("operator", new string('a', 4000)) + "q\0" + "0" + string.Concat(Enumerable.Repeat("(" + string.Concat(Enumerable.Repeat("h\0", 60_000)) + "t0", groups))
        + Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1])));

    private static byte[] LongMembers(int calls) => TinyArchive.Of(
        Global("builtins", "getattr") + "q\0" + "0" + Tuple(Global("m", "B"), Text(string.Concat(Enumerable.Repeat("aa.", 1300)) + "a")) + "q\u00010" + string.Concat(Enumerable.Repeat("h\0h\u0001R0", calls))
        + Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1])));

    private static byte[] EmptyBeforeOne(int count) =>
        TinyArchive.Of(Array("u1", 0, 0) + Keep(0) + "}(" + Named(count, "", _ => Kept(0)) + Text("one") + Array("u1", 1, 1) + "u");

    private static byte[] Views(int count, int storageElements) => TinyArchive.Of(
        ("a/data.pkl", File(Tensor(Storage("0", storageElements), 0, [2], [2]) + Keep(0) + "}(" + Named(count, "", _ => Kept(0)) + "u")),
        ("a/data/0", new byte[4 * storageElements]));

    private static byte[] SetKey(int depth) => TinyArchive.Of(
        Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1]), Text("x"), Dict(new string('(', depth) + "K\u0001" + new string('\u0091', depth), "N", Int(1), "N")));

    private static byte[] ComplexSet(int count)
    {
        var none = Call("builtins", "complex", "G\u007f\u00f8\0\0\0\0\0\0", "G\0\0\0\0\0\0\0\0") + Keep(0);
        return TinyArchive.Of(none + Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1]), Text("x"), Dict("(" + string.Concat(Enumerable.Repeat(Kept(0), count)) + "\u0091", "N", Int(1), "N")));
    }

    private static byte[] LongCode()
    {
        var code = string.Concat(Enumerable.Range(0, 5000).Select(i => $"class A{i}(M):\n  def __setstate__(self):\n"));
        return TinyArchive.Of(
            ("a/data.pkl", File(Global("__torch__", "X") + ")\u0081}b")), ("a/constants.pkl", File(")")),
            ("a/code/__torch__/" + new string('x', 60_000) + ".py", System.Text.Encoding.ASCII.GetBytes(code)));
    }

    private static byte[] ObjectKeys(int count) => TinyArchive.Of(
        Global("builtins", "object") + Keep(0) + "}(" + string.Concat(Enumerable.Repeat(Kept(0) + ")\u0081N", count)) + Text("w") + Tensor(Storage("0", 4), 0, [4], [1]) + "u");

    private static byte[] TiedTowers(int tensors, int towers)
    {
        var (large, small) = (Tensor(Storage("1", 1), 0, [1 << 20, 1 << 18], [0, 0]) + Keep(1), Tensor(Storage("0", 1), 0, [1], [1]) + Keep(2));
        var others = Text("a") + Dict(Text("t"), Kept(2), Text("v")) + Named(towers, "t", _ => Kept(10 + Towers)) + Text("z") + Kept(100 + Towers);
        return TinyArchive.Of(
            ("a/data.pkl", File(large + small + Tower(1, 10) + Tower(tensors, 100) + "}(" + others + "u")), ("a/data/0", new byte[4]), ("a/data/1", new byte[4]));

        static string Tower(int tensors, int first) => "}(" + Named(tensors, "x", _ => Kept(2)) + Text("w") + Kept(1) + "u" + Deeper(first);
    }

    private static byte[] TowersBesideLayers(int modules, int tensors, int towers)
    {
        var shared = Array("f8", 8, 1) + Keep(0) + Array("f4", 4, 1) + Keep(1) + Tensor(Storage("0", 1), 0, [1], [1]) + Keep(2);
        var tower = Dict(Text("x"), Kept(2), Text("w"), Kept(1)) + Deeper(10);
        var module = "}(" + Named(tensors, "v", _ => Kept(0)) + Text("q") + Dict(Text("z"), Kept(1)) + "u";
        var layers = "}(" + Text("t") + Kept(2) + Named(modules, "m", _ => module) + "u";
        return TinyArchive.Of(
            ("a/data.pkl", File(shared + tower + "}(" + Text("a") + layers + Named(towers, "t", _ => Kept(10 + Towers)) + "u")), ("a/data/0", new byte[4]));
    }

    private static byte[] TiedModules(int modules, int tensors)
    {
        var tied = Named(modules, "m", i => Dict(Text("w"), Kept(0), Text("t"), Dict(Text("v"), Repeated($"{i + 1}")))) + Named(tensors, "w", _ => Kept(0));
        var pickle = File(Tensor(Storage("0", 1), 0, [1], [1]) + Keep(0) + "}(" + tied + "u");
        return TinyArchive.Of([("a/data.pkl", pickle), .. Enumerable.Range(0, modules + 1).Select(i => ($"a/data/{i}", new byte[4]))]);
    }

    // Half a gigabyte of one element.
    private static string Repeated(string key) => Tensor(Storage(key, 1), 0, [1 << 27], [0]);

    private static byte[] ManyModules(int towers, int tensors) => TinyArchive.Of(
        Array("f8", 8, 1) + Keep(0) + "}(" + Named(tensors, "", _ => Kept(0)) + "u" + Deeper(10) + "}(" + Named(towers, "", _ => Kept(10 + Towers)) + "u");

    /// <summary>What is on the stack as the only member of a dictionary, that as one of another, and so on; the last of them is kept behind the first's place.</summary>
    private static string Deeper(int first) =>
        string.Concat(Enumerable.Range(first, Towers).Select(place => Keep(place) + Dict(Text("b"), Kept(place)))) + Keep(first + Towers);

    private static string Named(int count, string prefix, Func<int, string> value) =>
        string.Concat(Enumerable.Range(0, count).Select(i => Text($"{prefix}{i:x}") + value(i)));

    /// <summary>An array of NumPy's: under each name that holds it, a storage of its own.</summary>
    private static string Array(string type, int bytes, int elements) => Call(
        "numpy._core.numeric", "_frombuffer", "B" + Int32(bytes) + new string('\0', bytes),
        Call("numpy", "dtype", Text(type), "\u0089", "\u0088") + Tuple(Int(3), Text("<"), "N", "N", "N", Int(-1), Int(-1), Int(0)) + "b", Tuple(Int(elements)), Text("C"));

    // Off the stack again, under a number of the memo.
    private static string Keep(int place) => "r" + Int32(place) + "0";

    private static string Kept(int place) => "j" + Int32(place);
}
