using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Pickles;
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
        { "G" + Double(1e19), "\u008a\u0009\u0000\u0000\u00e8\u0089\u0004\u0023\u00c7\u008a\u0000" }, { "G" + Double(0.5), "G" + Double(0.5) }, { Global("torch", "float32"), Global("torch", "float32") },
    };

    public static TheoryData<string> States =>
    [
        Dict(Text("data"), Other), Tuple("N", Dict(Text("data"), Other)), Tuple(Dict(Text("data"), Other), "N"), Dict(Int(0), Other), Tuple(Other, "N", "N", "N"),
        Dict(Text("__class__"), Global("my.code", "Tensor")), Dict(Text("real"), Other), "]", Tuple(Storage("1", 4), Int(0), Ints(4)),
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

    // torch.empty(0) and its view(torch.int64): PyTorch keeps no storage without contents, and makes each anew.
    [Fact]
    public void Tensors_without_elements_of_one_storage_have_each_its_own_type()
    {
        static string Empty(string storageClass) => Tensor(Storage("1", 0, storageClass), 0, [0], [1]);
        var archive = TinyArchive.Of(("a/data.pkl", File(Dict(Text("f"), Empty("FloatStorage"), Text("i"), Empty("LongStorage")))), ("a/data/1", []));
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", archive));

        checkpoint.Entries.Select(e => (e.Name, e.DType)).Should().Equal(("f", DType.Float32), ("i", DType.Int64));
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

    // Called without arguments, a weak reference gives what it refers to.
    [Theory]
    [InlineData("weakref", "ref", "clone", false)]
    [InlineData("weakref", "ref", "detach", false)]
    [InlineData("torch.nn.modules.linear", "Identity", "__add__", false)]
    [InlineData("my.code", "Settings", "settings", true)]
    public void What_nobody_knows_stands_before_no_method_of_a_tensor(string module, string type, string name, bool isLoaded)
    {
        var parameter = Call("torch._utils", "_rebuild_parameter_with_state", Vector, "\u0088", OrderedDict, Dict(Text(name), Call(module, type, Other)));
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("p"), parameter))));

        checkpoint.Entries.Should().HaveCount(isLoaded ? 1 : 0);
        checkpoint.Unloadable.Should().HaveCount(isLoaded ? 0 : 1);
    }

    [Theory]
    [InlineData("collections", 1, "puts 2 items into a deque that keeps fewer")]
    [InlineData("_collections", 0, "puts 2 items into a deque that keeps fewer")]
    [InlineData("queue", 1, "puts 2 items into a deque that keeps fewer")]
    [InlineData("collections", 2, null)]
    [InlineData("collections", 1000, null)]
    public void A_deque_lists_no_items_that_it_has_let_go_of(string module, int kept, string? problem)
    {
        var filled = Call(module, "deque", Tuple(), Int(kept)) + "(" + Vector + Vector + "e";
        var made = Call(module, "deque", "](" + Vector + Vector + "e", Int(kept));
        using var folder = new TemporaryFolder();
        foreach (var (deque, name) in new[] { (filled, "d.0"), (made, "d.0.0") })
        {
            var archive = TinyArchive.Of(Dict(Text("d"), deque));
            if (problem is null)
            {
                using var checkpoint = Checkpoint.Open(folder.Write("a.pth", archive));
                checkpoint.Entries.Should().HaveCount(2).And.Contain(e => e.Name == name);
            }
            else
            {
                Refusal.Of(archive, CheckpointError.Malformed, problem);
            }
        }
    }

    [Fact]
    public void A_deque_has_what_it_was_called_with_then()
    {
        var filledLater = "]q\0" + Call("collections", "deque", "h\0", Int(9)) + "q\u0001" + "h\0" + Vector + "a000" + Dict(Text("d"), "h\u0001");
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(filledLater)));
        checkpoint.Entries.Should().BeEmpty();

        var deque = Call("collections", "deque", ")", Int(9));
        Refusal.Of(TinyArchive.Of(Dict(Text("d"), Call("collections", "deque", deque, Int(1)))), CheckpointError.Malformed, "makes a deque of what is no list");
        var reconstructed = Call("copyreg", "_reconstructor", Global("collections", "deque"), Global("collections", "deque"), "](" + Vector + "e");
        Refusal.Of(TinyArchive.Of(Dict(Text("d"), reconstructed)), CheckpointError.Malformed, "reconstructs collections.deque of what it does not take");
        Refusal.Of(TinyArchive.Of(Dict(Text("d"), deque + Vector + "a" + Int(0) + Vector + "s")), CheckpointError.Malformed, "adds items to what does not take them");
    }

    [Fact]
    public void A_deque_is_one_by_whatever_name_it_is_got()
    {
        var member = Call("builtins", "getattr", Global("torch.utils.data.datapipes.iter", "combining"), Text("deque"));
        foreach (var callee in (string[])[Text("typing_extensions") + Text("typing.Deque") + "\u0093", member])
        {
            Refusal.Of(TinyArchive.Of(Dict(Text("d"), callee + Tuple("](" + Vector + Vector + "e", Int(1)) + "R")), CheckpointError.Malformed, "puts 2 items into a deque that keeps fewer");
        }
    }

    // As __new__ of all of Python's containers.
    [Fact]
    public void A_deque_that_is_made_without_being_called_takes_nothing()
    {
        var member = Call("builtins", "getattr", Global("torch.utils.data.datapipes.iter", "combining"), Text("deque"));
        foreach (var forged in (string[])[member + Tuple("](" + Vector + "e") + "\u0081", Call("copyreg", "__newobj__", member, "](" + Vector + "e")])
            Refusal.Of(TinyArchive.Of(Dict(Text("d"), forged)), CheckpointError.Malformed, "makes a new container of what it does not take");
        var made = Global("collections", "deque") + Tuple("](" + Vector + "e") + "\u0081";
        var byName = Call("copyreg", "__newobj__", Global("collections", "deque"), "](" + Vector + "e");

        Refusal.Of(TinyArchive.Of(Dict(Text("d"), made)), CheckpointError.Malformed, "makes a new container of what it does not take");
        Refusal.Of(TinyArchive.Of(Dict(Text("d"), byName)), CheckpointError.Malformed, "makes a new container of what it does not take");
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
    public void Contents_that_are_its_own_are_no_others()
    {
        var subclass = Call(
            "torch._tensor", "_rebuild_from_type_v2", Global("torch._utils", "_rebuild_tensor_v2"), Global("bitsandbytes.nn.modules", "Params4bit"),
            Tuple(Storage("0", 4), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict), Dict(Text("data"), Vector, Text("quant_type"), Text("nf4")));
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), subclass))));

        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void A_text_that_stands_in_a_key_a_million_times_is_paid_for_each_time() => Refusal.Of(
        TinyArchive.Of(Dict(Text("t"), Text(new string('a', 1 << 20)) + "q\u0005", "(" + string.Concat(Enumerable.Repeat("h\u0005", 2000)) + "t", Vector)),
        CheckpointError.LimitExceeded, "takes more work to read");

    [Fact]
    public void Keys_that_a_file_chose_have_hashes_of_their_own()
    {
        // Of all of them .NET's hash is one.
        var numbers = Enumerable.Range(0, 1000).Select(i => (object)BitConverter.Int64BitsToDouble(((0x3fe00000L + i) << 32) | (0x3fe00000L + i)));
        var integers = Enumerable.Range(0, 1000).Select(i => (object)(((long)i << 32) | (long)i));
        // Without a length and a kind, what is added for these is alike.
        var tuples = Enumerable.Range(0, 1000).Select(i =>
            (object)new PickleTuple([.. Enumerable.Range(0, 10).Select(bit => (i >> bit & 1) == 0 ? new byte[1] : (object)new byte[4])]));
        numbers.Concat(integers).Concat(tuples).Select(PickleKeys.Comparer.GetHashCode).Distinct().Should().HaveCountGreaterThan(2990);
    }

    [Fact]
    public void A_key_that_is_None_is_found_whatever_it_holds() => Refusal.Of(
        TinyArchive.Of(Dict("N", Dict(Text("a"), Vector), Text("x"), Int(1), "N", Dict(Text("b"), Vector))), CheckpointError.Malformed, "'None' stands in the checkpoint twice");

    [Fact]
    public void A_number_that_is_none_is_equal_to_nothing()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict("G" + Double(double.NaN), Int(1), "G" + Double(double.NaN), Int(2), Text("w"), Vector))));
        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void A_size_is_what_its_list_was_when_it_was_made()
    {
        var list = "]q\u0001" + Int(4) + "a";
        var root = Dict(Text("l"), list, Text("s"), Call("torch", "Size", "h\u0001") + "q\u0002", Text("m"), "h\u0001" + Int(9) + "a", Text("w"),
            Call("torch._utils", "_rebuild_tensor_v2", Storage("0", 4), Int(0), "h\u0002", Ints(1), "\u0089", OrderedDict));
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(root)));
        checkpoint.Entries.Single().Shape.Should().Equal(4);
    }

    [Theory]
    [InlineData("OrderedDict")]
    [InlineData("Counter")]
    public void A_container_that_Python_would_leave_empty_or_count_is_refused(string type)
    {
        var pairs = Tuple("](" + Tuple(Text("w"), Vector) + "e");
        Refusal.Of(TinyArchive.Of(Global("collections", type) + pairs + (type == "Counter" ? "R" : "\u0081")), CheckpointError.Malformed, "take");
    }

    [Fact]
    public void So_is_one_that_copyreg_makes()
    {
        var (type, contents) = (Global("collections", "OrderedDict"), Dict(Text("w"), Vector));
        Refusal.Of(TinyArchive.Of(Call("copyreg", "__newobj__", type, contents)), CheckpointError.Malformed, "take");
        Refusal.Of(TinyArchive.Of(Call("copyreg", "__newobj_ex__", type, Tuple(contents), "}")), CheckpointError.Malformed, "take");
        Refusal.Of(TinyArchive.Of(Call("copyreg", "__newobj_ex__", type, ")", contents)), CheckpointError.Malformed, "take");
        Refusal.Of(TinyArchive.Of(Call("copyreg", "_reconstructor", type, Global("builtins", "dict"), contents)), CheckpointError.Malformed, "take");

        using var folder = new TemporaryFolder();
        using var filled = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Call("copyreg", "__newobj__", type) + "(" + Text("w") + Vector + "u")));
        filled.Entries.Select(e => e.Name).Should().Equal("w");
    }

    [Fact]
    public void A_dictionary_whose_attributes_hide_its_items_is_refused()
    {
        var hiding = Dict(Text("items"), Global("collections", "OrderedDict"));
        foreach (var state in (string[])[hiding, Tuple("N", hiding), Tuple(Tuple(Text("items"), Global("collections", "OrderedDict")))])
            Refusal.Of(TinyArchive.Of(OrderedDict + "(" + Text("w") + Vector + "u" + state + "b"), CheckpointError.Malformed, "may hide what is in it");
    }

    [Fact]
    public void Keywords_and_a_state_are_no_two_states()
    {
        var net = Global("my.code", "Net") + ")" + Dict(Text("size"), Int(4)) + "\u0092" + Dict(Text("w"), Vector) + "b";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("net"), net, Text("e"), Global("builtins", "OSError") + ")R"))));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("net.w");
        checkpoint.Metadata["net.size"].Should().Be("4");
    }

    [Fact]
    public void A_key_that_ends_for_PyTorch_before_its_end_is_no_storages()
    {
        using var folder = new TemporaryFolder();
        FluentActions.Invoking(() => Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0\0x", 4), 0, [4], [1]))))))
            .Should().Throw<CheckpointException>();
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File("}")), ("a/x\0y", [])), CheckpointError.Malformed, "NUL");
    }

    [Fact]
    public void Records_that_the_end_does_not_count_are_refused()
    {
        var archive = TinyArchive.Of(("a/data.pkl", File(Dict(Text("w"), Vector))), ("a/data/0", new byte[16]), ("a/data/1", new byte[16]));
        BinaryPrimitives.WriteUInt16LittleEndian(archive.AsSpan(archive.Length - 12), 2);
        Refusal.Of(archive, CheckpointError.Malformed, "goes on behind the 2 records");
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
        BinaryPrimitives.WriteInt64LittleEndian(wide.AsSpan(4), 44);
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

    [Theory]
    [InlineData("octal")]
    [InlineData("signed")]
    [InlineData("signed below nothing")]
    [InlineData("base 256")]
    [InlineData("a digit behind its end")]
    public void What_is_a_tar_by_its_sum_is_no_legacy_file(string sum)
    {
        var bytes = new byte[1024];
        System.IO.File.ReadAllBytes(Fixtures.Path("gpt2-tiny-legacy.pth")).AsSpan(0, 140).CopyTo(bytes);
        Encoding.ASCII.GetBytes("        ").CopyTo(bytes, 148);
        if (sum == "signed below nothing") bytes.AsSpan(200, 300).Fill(0x80);
        var (total, signed) = (bytes.Take(512).Sum(b => b), bytes.Take(512).Sum(b => (sbyte)b));
        var octal = signed < 0 ? "-" + Convert.ToString(-signed, 8) : Convert.ToString(sum == "signed" ? signed : total, 8).PadLeft(6, '0');
        byte[] field = sum == "base 256" ? [0x80, 0, 0, 0, 0, (byte)(total >> 16), (byte)(total >> 8), (byte)total] : Encoding.ASCII.GetBytes(octal + (sum.StartsWith('a') ? "\07" : "\0 "));
        field.CopyTo(bytes, 148);

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
