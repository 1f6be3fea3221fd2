using static Loadline.Benchmarks.Steps.Opcodes;

namespace Loadline.Benchmarks.Steps;

/// <summary>Calls of what the allow-list has and of what it has not, again and again with the same arguments.</summary>
internal static class CallFamilies
{
    private const string Storage = "(X\x07\0\0\0storage";

    private static string Pid => Storage + Global("torch.FloatStorage") + Text("0") + Text("cpu") + "K\x00t";

    public static IEnumerable<Family> All =>
    [
        Each("BINPERSID", Pid, "h\0Q0"),
        Each("BINPERSID of a long key", Storage + Global("torch.FloatStorage") + Text(new string('k', 200)) + Text("cpu") + "K\x00t", "h\0Q0"),
        Each("an object", Global("a.b") + "q\x01" + "0)", "h\x01h\0R0"),
        Each("an object of a long name", Global("a." + new string('b', 4000)) + "q\x01" + "0)", "h\x01h\0R0"),
        Each("getattr", Global("a.b") + Text("c") + "\u0086", "h\x01h\0R0", "builtins.getattr"),
        Each("getattr of many parts", Global("a.b") + Text("c" + Opcodes.Each(900, _ => ".cc")) + "\u0086", "h\x01h\0R0", "builtins.getattr"),
        Each("OrderedDict of one pair", List(1000, _ => "NN\u0086") + "\u0085", "h\x01h\0R0", "collections.OrderedDict"),
        Family.Of("OrderedDict of pairs far apart", bytes =>
        {
            var pairs = Math.Min(bytes / 30, 400_000);
            var pickle = new Opcodes(bytes).Add("\u0080\x02" + Global("collections.OrderedDict") + "q\0" + "0").Repeat(i => "(NNt" + Put(1 + i) + "0", most: pairs).Add("]");
            for (var i = 0; i < pairs; i++) pickle.Add(Get(1 + OpcodeFamilies.Shuffled(i, pairs)) + "a");
            return pickle.Pad(0.9).Add("\u0085r" + Int32(pairs + 1) + "0").Repeat(_ => "h\0j" + Int32(pairs + 1) + "R0").Add("N.");
        }),
        Each("set of a list", List(1000, _ => "N") + "\u0085", "h\x01h\0R0", "builtins.set"),
        Each("torch.Size of a list", List(1000, _ => "N") + "\u0085", "h\x01h\0R0", "torch.Size"),
        Each("torch.Size of a tuple", ")\u0085", "h\x01h\0R0", "torch.Size"),
        Each("_rebuild_tensor_v2", "(" + Pid + "QK\0))\u0089NNt", "h\x01h\0R0", "torch._utils._rebuild_tensor_v2"),
        Each("_rebuild_tensor_v2 of 64 dimensions", "(" + Pid + "QK\0" + Tuple(64, _ => "K\x01") + Tuple(64, _ => "K\x01") + "\u0089NNt", "h\x01h\0R0", "torch._utils._rebuild_tensor_v2"),
        Each("_rebuild_parameter", Tensor + "\u0089N\u0087", "h\x01h\0R0", "torch._utils._rebuild_parameter"),
        WithState("texts", i => Text("real" + (char)('a' + i)), _ => "N"),
        WithState("objects", i => Text("rear" + (char)('a' + i)), _ => "h\x02"),
        WithState("objects by long names", i => Text(new string('x', 60) + (char)('a' + i)), _ => "h\x02"),
        Each("_reconstructor", Global("a.b") + Global("builtins.object") + "N\u0087", "h\x01h\0R0", "copyreg._reconstructor"),
        Each("__newobj__", Global("a.b") + "\u0085", "h\x01h\0R0", "copyreg.__newobj__"),
        Each("numpy.dtype", Text("<f4") + "\u0089\u0088\u0087", "h\x01h\0R0", "numpy.dtype"),
        Each("numpy scalar", Global("numpy.dtype") + Text("u8") + "\u0089\u0088\u0087R" + "C\x08\x01\x01\x01\x01\x01\x01\x01\x01\u0086", "h\x01h\0R0", "numpy._core.multiarray.scalar"),
        BigEndian(1),
        BigEndian(2),
        BigEndian(8),
        Each("a deque", List(1000, _ => "N") + "M\u00e8\x03\u0086", "h\x01h\0R0", "collections.deque"),
        Each("a device", Text("cuda") + "K\x01\u0086", "h\x01h\0R0", "torch.device"),
        Each("a complex number", "G\x01\x01\x01\x01\x01\x01\x01\x01G\x01\x01\x01\x01\x01\x01\x01\x01\u0086", "h\x01h\0R0", "builtins.complex"),
        Each("attributes of a dictionary, few", Dict(32, i => Text($"__clas{i:d3}"), _ => "N"), "h\0b", "", "}"),
        Each("attributes of a dictionary, very few", Dict(3, i => Text($"__clas{i:d3}"), _ => "N"), "h\0b", "", "}"),
        Each("attributes of a dictionary, many", Dict(100, i => Text($"__clas{i:d3}"), _ => "N"), "h\0b", "", "}"),
        Each("attributes of a dictionary, a pair", "}}\u0086", "h\0b", "", "}"),
        Family.Of("attributes of dictionaries far apart", bytes =>
        {
            var all = bytes / 600;
            var pickle = new Opcodes(bytes).Add("\u0080\x02").Repeat(i => Dict(32, k => Text($"__clas{k:d3}"), _ => "N") + Put(i) + "0", most: all);
            return pickle.Add("}").Repeat(i => Get(OpcodeFamilies.Shuffled(i, all)) + "b").Add(".");
        }),
    ];

    private static string Tensor => Global("torch._utils._rebuild_tensor_v2") + "(" + Pid + "QK\0))\u0089NNtR";

    // What is called is memoized as 1, and what with as 0.
    private static Family Each(string name, string arguments, string opcodes, string called = "", string before = "") => Family.Of(name, bytes => new Opcodes(bytes)
        .Add("\u0080\x02" + (called.Length > 0 ? Global(called) + "q\x01" + "0" : "") + arguments + "q\0" + "0" + before)
        .Repeat(_ => opcodes)
        .Add(before.Length > 0 ? "." : "N."));

    private static Family WithState(string of, Func<int, string> key, Func<int, string> value) => Each(
        "_rebuild_parameter_with_state, " + of, Global("a.b") + ")Rq\x02" + "0(" + Tensor + "\u0089N" + Dict(20, key, value) + "t", "h\x01h\0R0", "torch._utils._rebuild_parameter_with_state");

    // Of a tenth of the file.
    private static Family BigEndian(int size) => Family.Of($"an array of big-endian numbers of {size} bytes", bytes =>
    {
        var length = Math.Min(bytes / 10, 1_000_000) / 8 * 8;
        return new Opcodes(bytes)
            .Add("\u0080\x02" + Global("numpy._core.numeric._frombuffer") + "q\x01" + "0(B" + Int32(length) + new string('x', length))
            .Add(Global("numpy.dtype") + Text($">i{size}") + "\u0089\u0088\u0087R" + Int(length / size) + "\u0085" + Text("C") + "tq\0" + "0").Pad(0.5)
            .Repeat(_ => "h\x01h\0R0").Add("N.");
    });
}
