using static Loadline.Benchmarks.Steps.Opcodes;

namespace Loadline.Benchmarks.Steps;

/// <summary>Values that stand in lists a million times, by the walk for tensors: what the pickle has once is looked at until the steps end.</summary>
internal static class WalkFamilies
{
    private static readonly string Module = ObjectOf("a.b") + ModuleState(1, "}") + "b";

    public static IEnumerable<Family> All =>
    [
        In("numbers", "J\x01\x02\x03\x04"),
        In("texts", Text("abc")),
        In("floats", "G?\x11\x22\x33\x44\x55\x66\x77"),
        In("large integers", "\u008a\u00ff" + new string('\u0011', 255)),
        In("complex numbers", Global("builtins.complex") + "G?\x11\x22\x33\x44\x55\x66\x77G?\x11\x22\x33\x44\x55\x66\x77\u0086R"),
        In("globals", Global("a.b")),
        In("old strings", "U\x02\u00e9\u00e9"),
        In("empty tuples", ")"),
        In("tuples of 1", "N\u0085"),
        In("tuples of a tuple", ")\u0085"),
        In("lists of 1000 numbers", List(1000, _ => "K\x01")),
        In("lists of 1001 numbers", List(1001, _ => "K\x01")),
        In("dictionaries of 1", "}" + Text("abc") + "Ns"),
        In("dictionaries of 1000", Dict(1000, i => Text($"abc{i}"), _ => "N")),
        In("sets", "\u008f(" + Each(10, i => $"K{(char)i}") + "\u0090"),
        In("sets of floats", "\u008f(" + Each(10, i => $"G?\x11\x22\x33\x44\x55\x66{(char)i}") + "\u0090"),
        In("objects", ObjectOf("a.b")),
        In("objects of a long name", ObjectOf("a." + new string('b', 4000))),
        In("objects of TorchScript's of a long name", ObjectOf("__torch__." + new string('b', 4000))),
        In("objects with arguments", Global("a.b") + Tuple(8, _ => "N") + "R"),
        In("objects with a path", Global("pathlib.Path") + Tuple(8, _ => Text("abc")) + "R"),
        In("objects with a state", ObjectOf("a.b") + Dict(1, _ => Text("a"), _ => "N") + "b"),
        In("objects with 32 attributes", ObjectOf("a.b") + Dict(32, i => Text($"_parameter{i:d2}"), _ => "N") + "b"),
        In("modules", Module),
        In("modules with 30 attributes", ObjectOf("a.b") + ModuleState(28, "}") + "b"),
        In("modules with 100 attributes", ObjectOf("a.b") + ModuleState(100, "}") + "b"),
        In("modules of modules", Module + Put(100) + "0" + ObjectOf("a.b") + ModuleState(1, Dict(100, i => Text($"{i}"), _ => Get(100))) + "b"),
        In("modules of numbers", ObjectOf("a.b") + ModuleState(1, Dict(1000, i => Text($"{i}"), _ => "N")) + "b"),
        In("modules of objects", ObjectOf("a.b") + Put(100) + "0" + ObjectOf("a.b") + ModuleState(1, Dict(1000, i => Text($"{i}"), _ => Get(100))) + "b"),
        NonPersistent("short", i => $"{i:d3}"),
        NonPersistent("of 80", i => new string('x', 77) + $"{i:d3}"),
        In("NumPy's arrays of objects", Global("numpy._core.multiarray._reconstruct") + Global("numpy.ndarray") + "K\0\u0085C\u0001b\u0087R(K\x01K\x01\u0085" + Global("numpy.dtype") + Text("O8") + "\u0089\u0088\u0087R\u0089](Netb"),
        Keyed("numbers", i => Int(i)),
        Keyed("texts of 200", i => Text(new string('x', 197) + $"{i:d3}")),
        Keyed("floats", i => $"G?\x11\x22\x33\x44\x55{(char)(i >> 8)}{(char)(i & 255)}"),
        Keyed("large integers", i => $"\u008a\u00ff{new string('\u0011', 253)}{(char)(i & 255)}\u0011"),
        Keyed("tuples", i => Int(i) + "\u0085"),
        Keyed("tuples of 100", i => "(" + Int(i) + Each(99, _ => "K\x01") + "t"),
        Keyed("tuples of texts", i => Text($"a{i}") + Text("b") + "\u0086"),
        Keyed("old strings", i => $"U\x03\u00e9{i / 10:d1}{i % 10:d1}"),
        Keyed("objects", i => Global("a.b") + "(" + Int(i) + "tR"),
        Keyed("storages", i => $"(X\x07\0\0\0storage{Global("torch.FloatStorage")}{Text($"{i}")}{Text("cpu")}K\0tQ"),
        Far("tuples", ")\u0085", 60),
        Far("dictionaries", "}NNs", 150),
        Far("objects", ObjectOf("a.b") + "}b", 300),
        Far("lists", "](Ne", 120),
        Far("large integers", "\u008a\x0c\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01", 100),
    ];

    private static string ObjectOf(string name) => Global(name) + ")R";

    private static string ModuleState(int others, string modules) => Dict(others, i => Text($"training{i:d3}"), _ => "N")
        + "(" + Text("_parameters") + "}" + Text("_buffers") + "}" + Text("_non_persistent_buffers_set") + "\u008f" + Text("_modules") + modules + "u";

    private static Family In(string name, string value) => Family.Of($"walk over {name}", bytes => new Opcodes(bytes)
        .Add("\u0080\x02" + value + Put(200) + "0" + List(100, _ => Get(200)) + "q\0" + "0").Pad().Multiply().Add("."));

    private static Family NonPersistent(string name, Func<int, string> key)
    {
        var set = "\u008f(" + Each(900, i => Text(key(i))) + "\u0090";
        var tensor = Global("torch.nn.parameter.Parameter") + ")R";
        var state = Dict(1, _ => Text("_parameters"), _ => "}") + "(" + Text("_modules") + "}" + Text("_non_persistent_buffers_set") + set
            + Text("_buffers") + Dict(900, i => Text(key(i)), _ => Get(101)) + "u";
        return In($"modules with names of buffers, {name}", tensor + Put(101) + "0" + ObjectOf("a.b") + state + "b");
    }

    // Empty tuples are noted, and so have their names made.
    private static Family Keyed(string name, Func<int, string> key) => In($"dictionaries by {name}", Dict(90, key, _ => ")"));

    // So many that none is near, by a list that has all of them in another order.
    private static Family Far(string name, string value, int bytesPerValue) => Family.Of($"walk over {name} far apart", bytes =>
    {
        var count = Math.Min(bytes / bytesPerValue, 1_000_000);
        var pickle = new Opcodes(bytes).Add("\u0080\x02").Repeat(i => value + Put(10 + i) + "0", most: count).Add("]");
        for (var i = 0; i < count; i++) pickle.Add(Get(10 + OpcodeFamilies.Shuffled(i, count)) + "a");
        return pickle.Add("q\0" + "0").Pad().Multiply().Add(".");
    });
}
