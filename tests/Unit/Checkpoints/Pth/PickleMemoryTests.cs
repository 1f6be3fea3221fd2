using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Small pickles that describe much. What is allocated for them, garbage included, stays near their own length.</summary>
public sealed class PickleMemoryTests
{
    private const long MiB = ByteSize.MiB;
    private const string Million = "\u0000\u0000\u0010\u0000";

    [Theory]
    [MemberData(nameof(Bombs))]
    public void What_a_small_pickle_describes_takes_little_memory_before_it_is_refused(string what, string pickle, long maxMebibytes)
    {
        what.Should().NotBeEmpty("it says what is wrong to whoever reads the test's name");
        using var folder = new TemporaryFolder();
        var path = folder.Write("a.pth", TinyArchive.Of(pickle));

        var before = GC.GetAllocatedBytesForCurrentThread();
        FluentActions.Invoking(() => Checkpoint.Open(path)).Should().Throw<CheckpointException>().Which.Error
            .Should().BeOneOf(CheckpointError.LimitExceeded, CheckpointError.Malformed);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(maxMebibytes * MiB);
    }

    public static TheoryData<string, string, long> Bombs() => new()
    {
        { "a thousand tensors of one shape of a million sizes", Memoized("(" + Repeat("K\u0001", 1_000_000) + "t") + Memoized(Global("torch._utils", "_rebuild_tensor"), 1)
            + Memoized(Tuple(Storage("0", 4), Int(0), "h\0", "h\0"), 2) + "(" + Repeat("h\u0001h\u0002R", 1000) + "t", 128 },
        { "a thousand byte strings from one text of a million characters", Memoized(Text(new string('x', 1_000_000))) + Memoized(Global("_codecs", "encode"), 1)
            + Memoized(Tuple("h\0", Text("latin1")), 2) + "(" + Repeat("h\u0001h\u0002R", 1000) + "t", 128 },
        { "a thousand copies of a dictionary", Memoized("}(" + new string('N', 1_000_000) + "u") + Memoized(Global("collections", "OrderedDict"), 1)
            + Memoized("h\0\u0085", 2) + "(" + Repeat("h\u0001h\u0002R", 1000) + "t", 128 },
        { "a thousand device names", Memoized(Text(new string('x', 1_000_000))) + Memoized(Global("torch", "device"), 1)
            + Memoized(Tuple("h\0", "K\u0001"), 2) + "(" + Repeat("h\u0001h\u0002R", 1000) + "t", 128 },
        { "a million tuples of one", "(" + Repeat("N\u0085", 1_000_000) + "t", 128 },
        { "a million numbers by two references each", "(" + Memoized("(" + new string('N', 999) + "t") + Repeat("h\0", 500_000) + "t", 96 },
        { "names that grow with every level", Nested(250, new string('x', 1000)), 96 },
        { "a list of a million that a thousand others hold", "(" + Memoized("](" + new string('N', 1_000_000) + "e") + Repeat("h\0", 100_000) + "t", 96 },
        { "a memo of a million entries for one value", ")" + "r" + Million, 32 },
        { "marks without end", new string('(', 1_100_000), 64 },
    };

    [Fact]
    public void A_string_of_Python_2_is_decoded_once_however_often_it_stands_there()
    {
        using var folder = new TemporaryFolder();
        var text = "T" + Int32(1_000_000) + new string('\u00e9', 1_000_000);
        var path = folder.Write("a.pth", TinyArchive.Of("(" + Memoized(Call("my.code", "Named", text)) + Repeat("h\0", 300) + "t"));

        var before = GC.GetAllocatedBytesForCurrentThread();
        Checkpoint.Open(path).Dispose();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(64 * MiB);
    }

    [Fact]
    public void A_set_of_one_long_text_a_thousand_times_is_told_in_a_short_line()
    {
        using var folder = new TemporaryFolder();
        var pickle = Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1]), Text("s"),
            "\u008f(" + Memoized(Text(new string('x', 1_000_000))) + Repeat("h\0", 1000) + "\u0090");
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(pickle)));

        checkpoint.Metadata["s"].Should().Be("{… (1001 values)}");
    }

    [Fact]
    public void Five_million_flags_in_a_list_are_read()
    {
        using var folder = new TemporaryFolder();
        var batch = "(" + Repeat("\u0088", 999) + "\u0089e";
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("dones"), "]" + Repeat(batch, 5000)))));

        checkpoint.Metadata["dones"].Should().Be("(5000000 values)");
    }

    [Fact]
    public void Large_honest_contents_are_read()
    {
        using var folder = new TemporaryFolder();
        var vocabulary = "](" + string.Concat(Enumerable.Range(0, 200_000).Select(i => Text($"token{i}"))) + "e";
        var losses = "](" + Repeat("G\u003f\u00f0\0\0\0\0\0\0", 200_000) + "e";
        var flags = "](" + Repeat("\u0088", 1_000_000) + "e";
        var tensors = string.Concat(Enumerable.Range(0, 20_000).Select(i => Text($"layers.{i}.weight") + Tensor(Storage("0", 4), 0, [2, 2], [2, 1])));
        var pickle = Dict(Text("vocabulary"), vocabulary, Text("losses"), losses, Text("flags"), flags, Text("model"), "}(" + tensors + "u");
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(pickle)));

        checkpoint.Entries.Should().HaveCount(20_000);
        checkpoint.Metadata["losses"].Should().Be("(200000 values)");
    }

    private static string Memoized(string value, int index = 0) => value + "q" + (char)index;

    private static string Repeat(string opcodes, int count) => string.Concat(Enumerable.Repeat(opcodes, count));

    private static string Nested(int levels, string key) => string.Concat(Enumerable.Repeat("}" + Text(key), levels)) + "N" + new string('s', levels);
}
