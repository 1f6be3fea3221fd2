using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>What a pickle holds beside tensors, of classes that nobody here knows: it is stored, looked through, and never run.</summary>
public sealed class OpaqueValueTests
{
    private static readonly string Four = Tensor(Storage("0", 4), 0, [4], [1]);

    [Fact]
    public void Tensors_beside_and_inside_of_values_of_unknown_classes_have_dotted_names()
    {
        var namespaced = Global("argparse", "Namespace") + ")\u0081" + Dict(Text("lr"), "G\u003f\u00e0\0\0\0\0\0\0", Text("ema"), Four) + "b";
        var listed = Global("my.code", "Tensors") + ")\u0081(" + Four + Four + "e";
        var mapped = Global("my.code", "Table") + ")\u0081(" + Text("k") + Four + "u";
        var called = Call("my.code", "wrap", Four, Text("x"));

        var (names, metadata) = Read(Dict(Text("w"), Four, Text("args"), namespaced, Text("l"), listed, Text("m"), mapped, Text("c"), called));

        names.Should().Equal("w", "args.ema", "l.0", "l.1", "m.k", "c.0");
        metadata.Should().Contain("args.__class__", "argparse.Namespace").And.Contain("args.lr", "0.5").And.Contain("c.1", "x");
    }

    [Fact]
    public void Values_of_plain_arguments_are_told_in_a_line()
    {
        var (_, metadata) = Read(Dict(
            Text("path"), Call("pathlib", "PurePosixPath", Text("/"), Text("x"), Text("y")), Text("range"), Call("builtins", "range", Int(0), Int(3), Int(1)),
            Text("version"), Global("torch.torch_version", "TorchVersion") + Tuple(Text("2.6.0")) + "\u0081", Text("mode"), Call("my.code", "Mode", Int(2)),
            Text("class"), Global("my.code", "Net"), Text("empty"), Global("my.code", "Nothing") + ")\u0081"));

        metadata.Should().Equal(new Dictionary<string, string>
        {
            ["path"] = "/x/y",
            ["range"] = "range(0, 3, 1)",
            ["version"] = "2.6.0",
            ["mode"] = "my.code.Mode(2)",
            ["class"] = "my.code.Net",
            ["empty"] = "(my.code.Nothing)",
        });
    }

    [Fact]
    public void A_module_gives_its_state_dict_without_what_does_not_persist()
    {
        var inner = Module("my.nets.Block", Dict(Text("w"), Four, Text("bias"), "N"), Dict(Text("kept"), Four, Text("dropped"), Four), "}", Text("dropped"));
        var outer = Module("my.nets.Net", "}", "}", Dict(Text("0"), inner, Text("1"), "N"));

        var (names, metadata) = Read(Dict(Text("model"), outer));

        names.Should().Equal("model.0.w", "model.0.kept");
        metadata.Should().Equal(new Dictionary<string, string> { ["model.__class__"] = "a pickled module of my.nets.Net" });
    }

    [Fact]
    public void Values_that_contain_themselves_end()
    {
        var (names, _) = Read(Global("my.code", "Loop") + ")\u0081q\0" + Dict(Text("self"), "h\0", Text("w"), Four) + "b");
        names.Should().Equal("w");
    }

    [Fact]
    public void Tensors_that_have_each_other_for_contents_are_told_apart_as_keys()
    {
        var empty = Global("torch", "Tensor") + ")R";
        var contents = empty + "q\00" + empty + "q\u00010" + "h\0(h\u0001NNNNtb0" + "h\u0001(h\0NNNNtb0";

        using var folder = new TemporaryFolder();
        var path = folder.Write("a.pth", TinyArchive.Of(contents + "}(h\0h\0h\u0001h\0u"));
        // A comparison without an end takes the process with it.
        var thrown = Record.Exception(() => Checkpoint.Open(path).Dispose());

        (thrown is null or CheckpointException).Should().BeTrue($"{thrown}");
    }

    [Fact]
    public void Names_that_meet_when_they_are_dotted_are_told_apart()
    {
        var (names, _) = Read(Dict(
            Text("a.b"), Four, Text("a"), Dict(Text("b"), Four), "K\u0001", Four, Text("1"), Four, Text("c"), Dict(Text("d"), Four), Text("c.d"), Four));

        names.Should().Equal("a\\.b", "a.b", "1", "1~2", "c.d", "c\\.d");
    }

    [Fact]
    public void Tensors_of_several_types_share_a_storage_where_it_is_of_bytes_to_all()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(
            Dict(Text("b"), Tensor(Storage("0", 16, "ByteStorage"), 3, [5], [1]), Text("i"), OfBytes("int32"), Text("f"), OfBytes("float32")))));

        checkpoint.Entries.Select(e => e.DType.Name).Should().Equal("uint8", "int32", "float32");
        checkpoint.Storages.Should().ContainSingle();

        string OfBytes(string dtype) => Call(
            "torch._utils", "_rebuild_tensor_v3", Storage("0", 16, "UntypedStorage"), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict, Global("torch", dtype));
    }

    [Fact]
    public void Elements_of_which_PyTorch_would_take_the_first_ones_type_for_all_are_refused() => Refusal.Of(
        TinyArchive.Of(Dict(Text("f"), Four, Text("i"), Tensor(Storage("0", 4, "IntStorage"), 0, [4], [1]))),
        CheckpointError.Malformed, "refers to record 'data/0' as 4 elements of torch.IntStorage, but before as 4 elements of torch.FloatStorage");

    [Fact]
    public void A_namedtuple_of_protocol_0_is_read()
    {
        var (_, metadata) = Read("ccopy_reg\n_reconstructor\n(cmy.code\nPoint\nc__builtin__\nobject\nNtR(dS'x'\nI3\nsS'y'\nL12345678901234567890L\nsS'f'\nF0.5\nsS'ok'\nI01\nsVu\\u2713\nS'\\x41\\n'\nsb");

        metadata.Should().Contain("__class__", "my.code.Point").And.Contain("x", "3").And.Contain("y", "12345678901234567890").And.Contain("f", "0.5")
            .And.Contain("ok", "True").And.Contain("u✓", "A\n");
    }

    private static string Module(string name, string parameters, string buffers, string modules, string notPersistent = "")
    {
        var dot = name.LastIndexOf('.');
        return Global(name[..dot], name[(dot + 1)..]) + ")\u0081" + Dict(
            Text("training"), "\u0088", Text("_parameters"), parameters, Text("_buffers"), buffers,
            Text("_non_persistent_buffers_set"), "\u008f(" + notPersistent + "\u0090", Text("_modules"), modules) + "b";
    }

    [Fact]
    public void Values_whose_names_are_one_here_are_all_told()
    {
        var (_, metadata) = Read(Dict(Text("a"), "}(" + Int(0) + Text("x") + Text("0") + Text("y") + "u", Text("a.0"), Text("z"), "V\\ud800\n", Text("one"), "V\\ud801\n", Text("two")));

        metadata.Should().Equal(new Dictionary<string, string> { ["a.0"] = "x", ["a.0~2"] = "y", ["a.0~3"] = "z", ["\ufffd"] = "one", ["\ufffd~2"] = "two" });
    }

    private static (IEnumerable<string> Names, IReadOnlyDictionary<string, string> Metadata) Read(string pickle)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(pickle)));
        return (checkpoint.Entries.Select(e => e.Name), checkpoint.Metadata);
    }
}
