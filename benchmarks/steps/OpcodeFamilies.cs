using static Loadline.Benchmarks.Steps.Opcodes;

namespace Loadline.Benchmarks.Steps;

/// <summary>Opcodes, each again and again, and its value taken from the stack.</summary>
internal static class OpcodeFamilies
{
    // Two doubles lie as near to it.
    private const string Halfway = "1.00000000000000011102230246251565404236316680908203125";

    public static IEnumerable<Family> All =>
    [
        Each("None", "N0"),
        Each("mark", "(1"),
        Each("BININT", "J\x01\x02\x03\x04" + "0"),
        Each("LONG1 of 1 byte", "\u008a\u0001\u0001" + "0"),
        Each("LONG1 of 255 bytes", "\u008a\u00ff" + new string('\u0011', 255) + "0"),
        Each("BINFLOAT", "G\x01\x02\x03\x04\x05\x06\x07\x08" + "0"),
        Each("text of 1", "X\x01\0\0\0x0"),
        Each("text of 2 that is no ASCII", "X\x02\0\0\0\u00c3\u00a9" + "0"),
        Each("text of 3000 half surrogates", "X\u00b8\x0b\0\0" + string.Concat(Enumerable.Repeat("\u00ed\u00a0\u0080", 1000)) + "0"),
        Each("text of 3000 that is no ASCII", "X\u00b8\x0b\0\0" + string.Concat(Enumerable.Repeat("\u00e2\u0082\u00ac", 1000)) + "0"),
        Each("old string of 1", "U\x01x0"),
        Each("old string of 1 that is no ASCII", "U\x01\u00e9" + "0"),
        Each("UNICODE of 60000", "V" + new string('x', 60_000) + "\n0"),
        Each("UNICODE of 10000 escapes", "V" + string.Concat(Enumerable.Repeat("\\u20ac", 10_000)) + "\n0"),
        Each("UNICODE of 10000 long escapes", "V" + string.Concat(Enumerable.Repeat("\\U0001f600", 6_000)) + "\n0"),
        Each("UNICODE of 1", "Vx\n0"),
        Each("STRING of 10000 escapes", "S'" + string.Concat(Enumerable.Repeat("\\xe9", 10_000)) + "'\n0"),
        Each("STRING of 60000", "S'" + new string('x', 60_000) + "'\n0"),
        Each("INT of 1 digit", "I1\n0"),
        Each("INT of 20 digits", "I12345678901234567890\n0"),
        Each("LONG of 600 digits", "L" + new string('7', 600) + "L\n0"),
        Each("FLOAT of 1 digit", "F1\n0"),
        Each("FLOAT halfway", $"F{Halfway}\n0"),
        Each("FLOAT halfway of 700 digits", $"F{Halfway}{new string('0', 600)}1\n0"),
        Each("FLOAT far from 1", "F1234567890123456789e-300\n0"),
        Each("FLOAT next to nothing", "F2.4703282292062327208e-324\n0"),
        Each("FLOAT nan", "Fnan\n0"),
        Each("BYTES of 1", "C\x01x0"),
        Each("tuple of 1", "N\u0085" + "0"),
        Each("list of 1", "](Ne0"),
        Each("dictionary of 1", "}NNs0"),
        Each("set of 1", "\u008f(N\u0090" + "0"),
        Each("MEMOIZE", "\u0094", before: "K\x01"),
        Each("BINGET", "h\x01" + "0", before: "K\x01q\x01" + "0"),
        Each("GET", "g1\n0", before: "K\x01q\x01" + "0"),
        Each("PUT", "p1\n", before: "K\x01"),
        Family.Of("LONG_BINGET, far apart", bytes =>
        {
            var entries = bytes / 6;
            return new Opcodes(bytes).Add("\u0080\x02K\x01").Repeat(_ => "\u0094", most: entries).Repeat(i => "j" + Int32(Shuffled(i, entries)) + "0").Add(".");
        }),
        Family.Of("tuples of what lies far apart, beside getattr", bytes =>
        {
            var entries = bytes / 12;
            var pickle = new Opcodes(bytes).Add("\u0080\x02" + Global("builtins.getattr") + "0").Repeat(_ => "M\x01\x02\u0094" + "0", most: entries);
            return pickle.Repeat(i => $"j{Int32(Shuffled(i, entries))}\u0085" + "0").Add("N.");
        }),
        Each("FRAME", "\u0095\0\0\0\0\0\0\0\0"),
        Each("PROTO", "\u0080\x02"),
        Each("global, known", "ca\nb\n0"),
        Each("global, known, of 4000", "c" + new string('a', 2000) + "\n" + new string('b', 2000) + "\n0"),
        Family.Of("globals, new", bytes => new Opcodes(bytes).Add("\u0080\x02").Repeat(i => $"ca\n{i:x}\n0").Add("N.")),
        Family.Of("globals, new, of many parts", bytes => new Opcodes(bytes).Add("\u0080\x02").Repeat(i => $"ca\n{i:x}{string.Concat(Enumerable.Repeat(".a", 1000))}\n0").Add("N.")),
        Family.Of("globals, new, with underscores", bytes => new Opcodes(bytes).Add("\u0080\x02").Repeat(i => $"ca\n__{i:x}.__\n0").Add("N.")),
        Family.Of("globals, new, of 2000", bytes => new Opcodes(bytes).Add("\u0080\x02").Repeat(i => $"ca\n{i:x}{new string('x', 2000)}\n0").Add("N.")),
        Family.Of("modules, new", bytes => new Opcodes(bytes).Add("\u0080\x02").Repeat(i => $"c{i:x}\na\n0").Add("N.")),
    ];

    // Each of so many once, and none near the one before.
    public static int Shuffled(int i, int count) => (int)((uint)i * 2654435761L % count);

    private static Family Each(string name, string opcodes, string before = "") =>
        Family.Of(name, bytes => new Opcodes(bytes).Add("\u0080\x02" + before).Repeat(_ => opcodes).Add(before.Length > 0 && !before.EndsWith('0') ? "." : "N."));
}
