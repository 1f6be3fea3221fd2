using static Loadline.Benchmarks.Steps.Opcodes;

namespace Loadline.Benchmarks.Steps;

/// <summary>Dictionaries whose keys are compared as Python does.</summary>
internal static class KeyFamilies
{
    public static IEnumerable<Family> All =>
    [
        One("a number", "J\x01\x02\x03\x04"),
        One("a text", Text("abc")),
        One("a text of 2000", Text(new string('x', 2000))),
        One("a text of 2000 that is no ASCII", "X" + Int32(6000) + string.Concat(Enumerable.Repeat("\u00e2\u0082\u00ac", 2000))),
        One("a float", "G?\x11\x22\x33\x44\x55\x66\x77"),
        One("a large float", "G\x7f\x11\x22\x33\x44\x55\x66\x77"),
        One("bytes", "C\u00ff" + new string('x', 255)),
        One("many bytes", "B" + Int32(50_000) + new string('x', 50_000)),
        One("a large integer", "\u008a\u00ff" + new string('\u0011', 255)),
        One("an empty tuple", ")"),
        One("a tuple of 1", "K\x01\u0085"),
        One("a tuple of numbers", Tuple(500, _ => "J\x01\x02\x03\x04")),
        One("a tuple of None", Tuple(500, _ => "N")),
        One("a tuple of texts", Tuple(500, i => Text($"{i:d7}"))),
        One("a tuple of texts of 60", Tuple(500, i => Text(new string('x', 60)))),
        One("a tuple of floats", Tuple(500, _ => "G?\x11\x22\x33\x44\x55\x66\x77")),
        One("a tuple of large floats", Tuple(500, _ => "G\x7f\x11\x22\x33\x44\x55\x66\x77")),
        One("a tuple of bytes", Tuple(500, _ => "C\x07" + "abcdefg")),
        One("a tuple of tuples", Tuple(500, _ => ")")),
        One("a tuple of tuples of 1", Tuple(500, _ => "K\x01\u0085")),
        One("a tuple of globals", Tuple(500, _ => Global("a.b"))),
        One("a tuple of objects", Tuple(500, _ => Global("a.b") + "K\x01\u0085R")),
        One("a tuple of objects that are themselves", Tuple(500, _ => Global("a.b") + ")R")),
        One("a tuple of lists", Tuple(500, _ => "]")),
        One("a tuple of sets", Tuple(500, _ => "\u008f")),
        One("a tuple of storages", Tuple(500, _ => $"(X\x07\0\0\0storage{Global("torch.FloatStorage")}{Text("1")}{Text("cpu")}K\0tQ")),
        One("a tuple of complex numbers", Tuple(500, _ => Global("builtins.complex") + "G?\x11\x22\x33\x44\x55\x66\x77G?\x11\x22\x33\x44\x55\x66\x77\u0086R")),
        One("a tuple of old strings", Tuple(500, _ => "U\x07\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9")),
        One("a tuple of large integers", Tuple(500, _ => "\u008a\x0c\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01")),
        One("a set of numbers", "\u008f(" + Each(500, i => Int(i)) + "\u0090"),
        One("a set of texts", "\u008f(" + Each(500, i => Text($"{i:d7}")) + "\u0090"),
        One("a set of tuples", "\u008f(" + Each(500, i => Int(i) + "\u0085") + "\u0090"),
        Distinct("numbers", i => Int(i)),
        Distinct("texts", i => Text($"{i:x}")),
        Distinct("texts that begin alike", i => Text(new string('x', 50) + $"{i:x}")),
        Distinct("floats", i => "G\0" + Int32(i) + "?\x11\x22"),
        Distinct("large floats", i => "G\x7f" + Int32(i) + "?\x11\x22"),
        Distinct("large integers", i => "\u008a\x0c" + Int32(i) + Int32(i) + Int32(i | 1)),
        Distinct("bytes", i => "C\x04" + Int32(i)),
        Distinct("tuples", i => Int(i) + "\u0085"),
        Distinct("objects", i => "h\x01" + Int(i) + "\u0085R"),
        Distinct("old strings", i => "U\x05\u00e9" + Int32(i)),
        Far("texts", i => Text($"{i:x7}"), 60),
        Far("tuples", i => ")\u0085", 60),
    ];

    // The same one in as many dictionaries as there is room for.
    private static Family One(string name, string key) => Family.Of($"dictionaries by {name}", bytes => new Opcodes(bytes)
        .Add("\u0080\x02" + key + "q\0" + "0").Pad(0.7).Add("(").Repeat(_ => "}h\0Ns", most: 900_000).Add("t."));

    // Half of the memory is the dictionary's.
    private static Family Distinct(string name, Func<int, string> key) => Family.Of($"a dictionary by {name}", bytes => new Opcodes(bytes)
        .Add("\u0080\u0002ca\nb\nq\x01" + "0}").Repeat(i => (i % 1000 == 0 ? "(" : "") + key(i) + "N" + (i % 1000 == 999 ? "u" : ""), most: bytes / 40_000 * 1000)
        .Add("q\0" + "0").Pad().Add("h\0."));

    // A tuple of so many that none is near.
    private static Family Far(string name, Func<int, string> item, int bytesPerItem) => Family.Of($"dictionaries by a tuple of {name} far apart", bytes =>
    {
        var count = Math.Min(bytes / bytesPerItem, 800_000);
        var pickle = new Opcodes(bytes).Add("\u0080\x02").Repeat(i => item(i) + Put(10 + i) + "0", most: count).Add("(");
        for (var i = 0; i < count; i++) pickle.Add(Get(10 + OpcodeFamilies.Shuffled(i, count)));
        return pickle.Add("tq\0" + "0").Pad(0.9).Add("(").Repeat(_ => "}h\0Ns", most: 900_000).Add("t.");
    });
}
