using System.Globalization;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Formats;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>
/// What people keep beside weights, as Python writes it, all of it in the memo: the work of reading it stays below what its bytes buy, without what each file has for
/// nothing. A charge that is raised for a hostile file is held against these.
/// </summary>
public sealed class HonestPickleTests
{
    private static readonly Dictionary<string, Func<Memo, string>> Pickles = new()
    {
        ["a state dict"] = memo => Dictionary(memo, 10_000, i => Name(memo, i) + TensorOf(memo, i)),
        ["a state dict of short names"] = memo => Dictionary(memo, 10_000, i => memo.Put(Text($"{i}")) + TensorOf(memo, i)),
        ["an optimizer's state"] = memo => Dictionary(memo, 4000, i => Short(i) + Dictionary(memo, 2, j => memo.Put(Text(j == 0 ? "exp_avg" : "exp_avg_sq")) + TensorOf(memo, 2 * i + j))),
        ["a vocabulary"] = memo => Dictionary(memo, 100_000, i => memo.Put(Text($"tok{i * 7919L:x}")) + Short(i)),
        ["merges of a tokenizer"] = memo => Dictionary(memo, 60_000, i => memo.Put(memo.Put(Text($"a{i * 7919L:x}")) + memo.Put(Text($"b{i * 104729L:x}")) + "\u0086") + Short(i)),
        ["numbers by numbers"] = memo => Dictionary(memo, 150_000, i => Int(i * 6_700_417L) + Short(i)),
        ["losses"] = memo => List(memo, 300_000, i => Double(1.0 / (i + 1))),
        ["numbers"] = memo => List(memo, 500_000, Short),
        ["pairs"] = memo => List(memo, 150_000, i => memo.Put(Short(i) + Double(i / 7.0) + "\u0086")),
        ["a log"] = memo => List(memo, 60_000, i => Dictionary(memo, 2, j => memo.Put(Text(j == 0 ? "loss" : "step")) + Double(i + j))),
        ["lists by texts"] = memo => Dictionary(memo, 40_000, i => memo.Put(Text($"tok{i * 7919L:x}")) + List(memo, 6, j => Short(i + j))),
        ["a set of numbers"] = memo => memo.Put(Global("builtins", "set")) + memo.Put(memo.Put(List(memo, 200_000, i => Int(i * 6_700_417L))) + "\u0085") + "R",
    };

    public static TheoryData<string> Kinds => [.. Pickles.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_people_keep_takes_less_work_than_its_bytes_buy(string kind)
    {
        var pickle = TinyPickle.File("}" + Text("x") + Pickles[kind](new Memo()) + "s" + Text("w") + Tensor(Storage("0", 4), 0, [4], [1]) + "s");
        using var folder = new TemporaryFolder();
        var path = folder.Write("a.pth", TinyArchive.Of(("a/data.pkl", pickle), ("a/data/0", new byte[16])));
        var ledger = new Ledger();

        var free = ledger.Granted;
        using var file = SourceFile.Open(path, PositionedReads.OfTheKernel, ledger);
        using var index = FileFormats.Read(file);

        index.Entries.Should().NotBeEmpty();
        var bought = ledger.Granted - free;
        ledger.Taken.Should().BeLessThan(bought * 9 / 10, $"{bought} steps are granted for {pickle.Length} bytes");
    }

    private static string Name(Memo memo, int i) => memo.Put(Text(string.Create(CultureInfo.InvariantCulture, $"model.layers.{i / 384}.mlp.experts.{i / 3 % 128}.{i % 3}_proj.weight")));

    private static string TensorOf(Memo memo, int i)
    {
        var storage = memo.Put(Tuple(memo.Text("storage"), memo.Once(Global("torch", "FloatStorage")), memo.Text("0"), memo.Text("cpu"), "K\u0004"));
        var one = memo.Put("K\u0001\u0085");
        return memo.Put(memo.Once(Global("torch._utils", "_rebuild_tensor_v2"))
            + memo.Put($"({storage}QK{(char)(i % 3)}{one}{one}\u0089" + memo.Put(memo.Once(Global("collections", "OrderedDict")) + ")R") + "t") + "R");
    }

    private static string Short(int number) => number < 256 ? $"K{(char)number}" : number < 65_536 ? $"M{(char)(number % 256)}{(char)(number / 256)}" : "J" + Int32(number);

    private static string Double(double number)
    {
        Span<byte> bytes = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteDoubleBigEndian(bytes, number);
        return "G" + Encoding.Latin1.GetString(bytes);
    }

    private static string Dictionary(Memo memo, int count, Func<int, string> pair) => Batches(memo.Put("}"), count, pair, "u");

    private static string List(Memo memo, int count, Func<int, string> item) => Batches(memo.Put("]"), count, item, "e");

    // A thousand at a time.
    private static string Batches(string empty, int count, Func<int, string> item, string end)
    {
        var text = new StringBuilder(empty);
        for (var first = 0; first < count; first += 1000)
        {
            text.Append('(');
            for (var i = first; i < Math.Min(count, first + 1000); i++) text.Append(item(i));
            text.Append(end);
        }

        return text.ToString();
    }

    /// <summary>Python's pickler keeps all that could come again, and writes what does come again by its number.</summary>
    private sealed class Memo
    {
        private readonly Dictionary<string, int> _known = [];
        private int _count;

        public string Put(string value) => value + (_count < 256 ? $"q{(char)_count++}" : "r" + Int32(_count++));

        public string Text(string text) => Once(TinyPickle.Text(text));

        public string Once(string value)
        {
            if (_known.TryGetValue(value, out var number)) return number < 256 ? $"h{(char)number}" : "j" + Int32(number);
            _known.Add(value, _count);
            return Put(value);
        }
    }
}
