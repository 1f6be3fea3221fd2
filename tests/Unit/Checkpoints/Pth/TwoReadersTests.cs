using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Files that are one checkpoint to Loadline and another to PyTorch: whoever looks here and loads there must not be shown the first.</summary>
public sealed class TwoReadersTests
{
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);
    private static readonly string Other = Tensor(Storage("1", 4), 0, [4], [1]);

    public static TheoryData<string, string> SameKeys => new()
    {
        { Text("é"), "U\u0002\u00c3\u00a9" }, { "U\u0001\u00e9", "U\u0001\u00e9" }, { "C\u0001x", "C\u0001x" }, { Tuple(Text("a"), Int(1)), Tuple(Text("a"), "\u0088") },
        { Int(1), "\u0088" }, { Int(2), "G" + Double(2) }, { "N", "N" }, { "\u008a\u000a" + new string('\u0001', 10), "\u008a\u000a" + new string('\u0001', 10) },
        { "G" + Double(0.5), "G" + Double(0.5) }, { Global("torch", "float32"), Global("torch", "float32") },
    };

    public static TheoryData<string> States =>
    [
        Dict(Text("data"), Other), Tuple("N", Dict(Text("data"), Other)), Tuple(Dict(Text("data"), Other), "N"), Dict(Int(0), Other), Tuple(Other, "N", "N", "N"),
        Dict(Text("__class__"), Global("my.code", "Tensor")), Dict(Text("real"), Other), "]",
    ];

    [Theory]
    [MemberData(nameof(SameKeys))]
    public void A_key_that_is_one_to_Python_is_one(string one, string other) =>
        Refusal.Of(TinyArchive.Of(Dict(Text("s"), Dict(one, Vector, Text("between"), Int(0), other, Vector))), CheckpointError.Malformed, "stands in the checkpoint twice");

    [Fact]
    public void Keys_that_are_several_to_Python_are_several()
    {
        string[] keys =
        [
            Int(1), Text("1"), Int(2), "G" + Double(2.5), "N", Text("N"), "C\u0001x", Text("x"), Tuple(Text("a")), Tuple(Text("a"), Int(1)), Tuple(Text("a"), Text("1")),
            Tuple(Tuple(Text("a")), Int(1)), Text("t1:s1:a"), Global("torch", "float32"), Global("torch", "float16"), "\u008a\u000a" + new string('\u0001', 10),
        ];
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict([.. keys.SelectMany(key => new[] { key, Vector })]))));

        checkpoint.Entries.Should().HaveCount(keys.Length);
    }

    [Theory]
    [MemberData(nameof(States))]
    public void A_tensor_that_its_state_gives_other_contents_cannot_be_loaded(string state)
    {
        var parameter = Call("torch._utils", "_rebuild_parameter_with_state", Vector, "\u0088", OrderedDict, state);
        var subclass = Call(
            "torch._tensor", "_rebuild_from_type_v2", Global("torch._utils", "_rebuild_tensor_v2"), Global("torch", "Tensor"),
            Tuple(Storage("0", 4), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict), state);
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("p"), parameter, Text("s"), subclass, Text("v"), Vector))));

        checkpoint.Unloadable.Select(u => u.Name).Should().Equal("p", "s");
        checkpoint.Entries.Select(e => e.Name).Should().Equal("v");
        Refusal.Of(TinyArchive.Of(Dict(Text("w"), Vector + state + "b")), CheckpointError.Malformed, "state");
    }

    [Fact]
    public void Attributes_of_its_own_are_no_matter()
    {
        var state = Dict(Text("is_shared"), "\u0088", Text("main_grad"), Other);
        var parameter = Call("torch._utils", "_rebuild_parameter_with_state", Vector, "\u0088", OrderedDict, state);
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("p"), parameter))));

        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void An_object_with_two_states_is_refused() => Refusal.Of(
        TinyArchive.Of(Dict(Text("net"), Global("my.code", "Net") + ")\u0081" + Dict(Text("w"), Vector) + "b" + Dict(Text("w"), Vector) + "b")), CheckpointError.Malformed, "second state");

    [Theory]
    [InlineData("0")]
    [InlineData("}u")]
    public void A_storage_that_nothing_uses_counts(string use)
    {
        var first = Storage("0", 4, "IntStorage");
        var root = use == "0" ? first + "0" + Dict(Text("w"), Vector) : Dict(Text("x"), first, Text("w"), Vector);

        Refusal.Of(TinyArchive.Of(root), CheckpointError.Malformed, "refers to record 'data/0' as 4 elements of torch.FloatStorage, but before as 4 elements of torch.IntStorage");
    }

    [Theory]
    [InlineData("BYTEORDER", "big")]
    [InlineData("Version", "99")]
    [InlineData("Constants.pkl", "")]
    [InlineData("DATA/1", "0123456789abcdef")]
    public void A_record_by_one_of_PyTorchs_names_in_other_case_is_refused(string name, string text) => Refusal.Of(
        TinyArchive.Of(("a/data.pkl", File(Dict(Text("w"), Vector))), ("a/data/0", new byte[16]), ($"a/{name}", Encoding.ASCII.GetBytes(text))),
        CheckpointError.Malformed, $"'{name}' is '{name.ToLowerInvariant()}' to PyTorch");

    [Fact]
    public void An_end_record_in_the_comment_of_another_is_refused()
    {
        var archive = TinyArchive.Of(Dict(Text("w"), Vector));
        var end = archive.AsSpan(archive.Length - 22).ToArray();
        var commented = archive.ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(commented.AsSpan(commented.Length - 2), 23);

        Refusal.Of([.. commented, .. end, (byte)'!'], CheckpointError.Truncated, "no zip directory at its end");
    }

    [Fact]
    public void A_ZIP64_record_that_says_something_else_is_refused()
    {
        var archive = TinyArchive.Of(Dict(Text("w"), Vector));
        var end = archive.AsSpan(archive.Length - 22).ToArray();
        var wide = new byte[56];
        BinaryPrimitives.WriteUInt32LittleEndian(wide, 0x06064b50);
        BinaryPrimitives.WriteInt64LittleEndian(wide.AsSpan(32), 1);
        var locator = new byte[20];
        BinaryPrimitives.WriteUInt32LittleEndian(locator, 0x07064b50);
        BinaryPrimitives.WriteInt64LittleEndian(locator.AsSpan(8), archive.Length - 22);

        Refusal.Of([.. archive[..^22], .. wide, .. locator, .. end], CheckpointError.Malformed, "the zip end record says 2, and its ZIP64 record 1");
    }

    [Fact]
    public void Bytes_between_the_directory_and_its_end_are_refused()
    {
        var archive = TinyArchive.Of(Dict(Text("w"), Vector));
        Refusal.Of([.. archive[..^22], 0, .. archive[^22..]], CheckpointError.Malformed, "does not end where its end record is");
    }

    [Fact]
    public void What_is_a_tar_by_its_sum_is_no_legacy_file()
    {
        var bytes = new byte[1024];
        System.IO.File.ReadAllBytes(Fixtures.Path("gpt2-tiny-legacy.pth")).AsSpan(0, 140).CopyTo(bytes);
        Encoding.ASCII.GetBytes("        ").CopyTo(bytes, 148);
        Encoding.ASCII.GetBytes($"{Convert.ToString(bytes.Take(512).Sum(b => b), 8),6}\0 ").CopyTo(bytes, 148);

        Refusal.Of(bytes, CheckpointError.Unsupported, "is a tar archive");
    }

    [Fact]
    public void Text_that_is_no_Latin_1_is_no_bytes() =>
        Refusal.Of(TinyArchive.Of(Dict(Text("b"), Call("_codecs", "encode", Text("\u4e00"), Text("latin1")))), CheckpointError.Malformed, "arguments that it does not take");

    [Fact]
    public void Two_backslashes_begin_no_escape()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("k"), "V\\\\u0077\\u0077\n"))));

        checkpoint.Metadata["k"].Should().Be("\\\\u0077w");
    }

    private static string Double(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        return Encoding.Latin1.GetString(bytes);
    }
}
