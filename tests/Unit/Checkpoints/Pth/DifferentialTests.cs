using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>
/// What PyTorch 2.6 read otherwise, found by five thousand files given to both: what it makes of each was seen, not only read in its source.
/// </summary>
public sealed class DifferentialTests
{
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);
    private static readonly string Other = Tensor(Storage("1", 4), 0, [4], [1]);

    public static TheoryData<string, string> OneKey => new()
    {
        { Int(1), Complex(1, 0) }, { Complex(1, 0), Complex(1, -0.0) }, { Complex(0.0, 2), Complex(-0.0, 2) }, { Tuple(Complex(1, 0)), Tuple(Int(1)) },
        { Vector + "q\u0005", "h\u0005" }, { Storage("1", 4), Storage("1", 4) }, { Float(double.NaN) + "q\u0005", "h\u0005" }, { "(K\u0001K\u0002\u0091", "(K\u0002K\u0001K\u0001\u0091" },
        { Call("pathlib", "PurePosixPath", Text("a")), Call("pathlib", "PurePosixPath", Text("a")) },
        { Call("builtins", "getattr", Global("my.code", "Color"), Text("RED")), Call("builtins", "getattr", Global("my.code", "Color"), Text("RED")) },
    };

    [Theory]
    [MemberData(nameof(OneKey))]
    public void A_key_that_is_one_to_Python_is_one(string one, string other) =>
        Refusal.Of(TinyArchive.Of(Dict(Text("s"), Dict(one, Vector, other, Other))), CheckpointError.Malformed, "stands in the checkpoint twice");

    [Fact]
    public void Keys_of_one_class_that_Python_computes_are_told_apart()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(
            Dict(Call("datetime", "timedelta", Int(1)), Vector, Call("datetime", "timedelta", Int(2)), Vector, Call("datetime", "timedelta", Int(3)), Vector))));
        checkpoint.Entries.Should().HaveCount(3);
    }

    [Theory]
    [InlineData("builtins", "int")]
    [InlineData("decimal", "Decimal")]
    public void A_key_that_Python_computes_may_be_any(string module, string name) =>
        Refusal.Of(TinyArchive.Of(Dict(Call(module, name, Text("1")), Vector, Int(1), Other, Call(module, name, Text("2")), Vector)), CheckpointError.Malformed, "under a key that may be equal to another");

    [Fact]
    public void Keys_that_are_several_to_Python_are_several()
    {
        string[] keys =
        [
            Int(1), Complex(1, 1), Complex(1, 2), Text("(1.0+1.0j)"), Float(double.NaN), Vector, Vector, Storage("0", 4), "(K\u0001\u0091", "(K\u0002\u0091",
            Global("torch", "float32"), Global("torch", "float16"), Call("pathlib", "PurePosixPath", Text("a")), Call("pathlib", "PurePosixPath", Text("b")),
            Global("builtins", "object") + ")\u0081", Global("builtins", "object") + ")\u0081",
        ];
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict([.. keys.SelectMany(key => new[] { key, Vector })]))));

        checkpoint.Entries.Should().HaveCount(keys.Length);
    }

    [Theory]
    [InlineData("neg", "UserDict", "OrderedDict")]
    [InlineData("neg", "enum", "_EnumDict")]
    [InlineData("conj", "collections", "OrderedDict")]
    public void Metadata_of_a_tensor_says_that_its_bytes_are_not_it(string what, string module, string name)
    {
        var metadata = Global(module, name) + ")R(" + Text(what) + "\u0088u";
        var tensor = Call("torch._utils", "_rebuild_tensor_v2", Storage("0", 4), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict, metadata);
        Unloadable(Dict(Text("w"), tensor), "is a lazy conjugate");
    }

    [Fact]
    public void A_tensor_that_a_function_makes_which_is_not_known_cannot_be_loaded() => Unloadable(
        Dict(Text("w"), Call("torch._tensor", "_rebuild_from_type_v2", Global("torch.nested._internal", "rebuild"), Global("torch", "Tensor"), Tuple(Vector), "N")), "made by a function");

    [Fact]
    public void Python_2s_names_are_what_they_became()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Global("UserDict", "OrderedDict") + Tuple(Dict(Text("w"), Vector)) + "R")));

        checkpoint.Entries.Single().Name.Should().Be("w");
    }

    [Theory]
    [InlineData("itertools", "imap", "builtins.map")]
    [InlineData("urllib", "getproxies", "urllib.request.getproxies")]
    [InlineData("Cookie", "SimpleCookie", "http.cookies")]
    [InlineData("_multiprocessing", "Connection", "multiprocessing.connection")]
    [InlineData("__builtin__", "unichr", "builtins.chr")]
    [InlineData("commands", "getoutput", "subprocess.getoutput")]
    [InlineData("SocketServer", "TCPServer", "socketserver.TCPServer")]
    [InlineData("cStringIO", "open", "io.open")]
    public void Python_2s_name_for_what_does_harm_is_refused(string module, string name, string means) =>
        Refusal.Of(TinyArchive.Of(Dict(Text("x"), Global(module, name))), CheckpointError.ForbiddenGlobal, means);

    [Fact]
    public void A_record_that_says_it_is_a_folder_has_no_contents_to_PyTorch()
    {
        var archive = TinyArchive.Of(("a/data.pkl", File(Dict(Text("w"), Vector))), ("a/data/0", new byte[16]));
        var marked = archive.AsSpan().LastIndexOf("a/data/0"u8) - 46 + 38;
        archive[marked] |= 0x10;

        Refusal.Of(archive, CheckpointError.Malformed, "'data/0' says that it is a folder");
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File(Dict(Text("w"), Tensor(Storage("k/", 4), 0, [4], [1])))), ("a/data/k/", new byte[16])), CheckpointError.Malformed, "is a folder");
    }

    [Fact]
    public void A_tensor_without_contents_has_none()
    {
        var storage = Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text("meta"), Int(4)) + "Q";
        Refusal.Of(TinyArchive.Of(Dict(Text("w"), Tensor(storage, 0, [4], [1]))), CheckpointError.Malformed, "arguments that it does not take");
        Unloadable(
            Dict(Text("w"), Call("torch._utils", "_rebuild_device_tensor_from_cpu_tensor", Vector, Global("torch", "float32"), Text("meta"), "\u0089")), "was saved from the meta device");
    }

    [Theory]
    [InlineData("I010\n")]
    [InlineData("I0x10\n")]
    [InlineData("I-010\n")]
    [InlineData("L010L\n")]
    public void An_integer_that_begins_with_0_is_octal_to_one_unpickler(string integer) =>
        Refusal.Of(TinyArchive.Of(Dict(integer, Vector)), CheckpointError.Malformed, "an integer that begins with 0");

    [Fact]
    public void NumPys_own_type_takes_no_byte_order() =>
        Refusal.Of(TinyArchive.Of(Dict(Text("w"), Array(Dtype("f4", "\u0089", ">"), 4, new string('\0', 4)))), CheckpointError.Malformed, "sets a tensor's state");

    [Fact]
    public void Float32_becomes_bfloat16_as_PyTorch_rounds_it()
    {
        var array = Array(Dtype("f4", "\u0088", "<"), 3, "\u00ff\u00ff\u0080\u003f\u0000\u0080\u0081\u003f\u0000\u0000\u00c1\u00ff");
        var tensor = Call("torch._utils", "_rebuild_device_tensor_from_numpy", array, Global("torch", "bfloat16"), Text("cpu"), "\u0089");
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), tensor))));

        var bytes = new byte[6];
        checkpoint.Read(checkpoint.Entries.Single().Storage, 0, bytes);
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Should().Equal(0x3f81, 0x3f82, 0x7fc0);
    }

    [Fact]
    public void An_array_of_longdouble_is_no_tensor_and_no_reason_to_refuse_the_others()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("x"), Array(Dtype("f16", "\u0088", "<"), 1, new string('\0', 16)), Text("w"), Vector))));

        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void An_array_of_records_or_of_a_class_is_no_tensor_and_no_reason_to_refuse_the_others()
    {
        var record = Call("numpy", "dtype", Global("numpy", "record"), "\u0089", "\u0088") + Tuple(Int(3), Text("|"), "N", "N", "N", Int(16), Int(1), Int(16)) + "b";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(
            Dict(Text("r"), Array(record, 1, new string('\0', 16)), Text("s"), Array(Global("numpy.dtypes", "StringDType") + ")R", 1, "abc"), Text("w"), Vector))));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("w");
    }

    [Fact]
    public void What_only_has_a_modules_attributes_is_none()
    {
        var state = Dict(Text("_parameters"), Dict(Text("w"), Vector), Text("_modules"), "}", Text("v"), Vector);
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("x"), Global("argparse", "Namespace") + ")R" + state + "b"))));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("x._parameters.w", "x.v");
    }

    [Fact]
    public void An_attribute_that_stands_before_a_method_gives_a_tensor_other_contents()
    {
        var subclass = Call(
            "torch._tensor", "_rebuild_from_type_v2", Global("torch._utils", "_rebuild_tensor_v2"), Global("torch", "Tensor"),
            Tuple(Storage("0", 4), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict), Dict(Text("detach"), Global("torch", "Tensor")));
        Unloadable(Dict(Text("w"), subclass), "other contents");
    }

    [Theory]
    [InlineData("my.code", "Color", "RED", true)]
    [InlineData("torch", "Tensor", "add", true)]
    [InlineData("random", "Random", "__init__", false)]
    [InlineData("my.code", "Color", "_os", false)]
    [InlineData("os.path", "x", "y", false)]
    public void A_member_of_a_class_is_a_value_as_Python_3_11_writes_it(string module, string type, string member, bool isSound)
    {
        var archive = TinyArchive.Of(Dict(Text("color"), Global("builtins", "getattr") + "q\u0001" + Tuple(Global(module, type), Text(member)) + "R", Text("w"), Vector));
        if (!isSound)
        {
            Refusal.Of(archive, CheckpointError.ForbiddenGlobal, member == "y" ? "os.path" : $"{module}.{type}.{member}");
            return;
        }

        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", archive));
        checkpoint.Metadata["color"].Should().Be($"({module}.{type}.{member})");
    }

    [Theory]
    [InlineData("getattr as a value", "")]
    [InlineData("getattr as an argument", "my.code\nf\n")]
    public void Getattr_is_called_with_a_class_or_refused(string what, string callee)
    {
        var getattr = Global("builtins", "getattr");
        Refusal.Of(TinyArchive.Of(Dict(Text("x"), callee == "" ? getattr : "c" + callee + Tuple(getattr) + "R")), CheckpointError.ForbiddenGlobal, "builtins.getattr");
        Refusal.Of(TinyArchive.Of(getattr + (what.Length > 0 ? "" : "0")), CheckpointError.ForbiddenGlobal, "builtins.getattr");
        Refusal.Of(TinyArchive.Of(Dict(Text("x"), getattr + Tuple(Vector, Text("y")) + "R")), CheckpointError.ForbiddenGlobal, "builtins.getattr");
    }

    [Theory]
    [InlineData("functools", "partial")]
    [InlineData("torch.utils._pytree", "tree_map")]
    public void What_makes_functions_is_no_argument_of_another(string module, string name) => Refusal.Of(
        TinyArchive.Of(Dict(Text("x"), Call(module, name, Global("operator", "attrgetter"), Text("os.getcwd")))), CheckpointError.ForbiddenGlobal, "operator.attrgetter");

    [Fact]
    public void A_function_with_arguments_is_kept_and_not_called() => Refusal.Of(
        TinyArchive.Of(Dict(Text("x"), Call("functools", "partial", Global("my.code", "f")) + Tuple(Text("y")) + "R")), CheckpointError.ForbiddenGlobal, "functools.partial");

    [Fact]
    public void A_method_of_an_object_is_kept_and_not_called()
    {
        var method = Global("builtins", "getattr") + Tuple(Global("my.code", "Net") + ")\u0081", Text("hook")) + "R";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("x"), method, Text("w"), Vector))));
        checkpoint.Entries.Should().ContainSingle();

        Refusal.Of(TinyArchive.Of(Dict(Text("x"), method + Tuple(Text("y")) + "R")), CheckpointError.ForbiddenGlobal, "my.code.Net.hook");
    }

    [Theory]
    [InlineData("functools", "partial")]
    [InlineData("torch._dynamo.decorators", "_DimRange")]
    public void What_models_keep_is_no_harm(string module, string name)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("x"), Call(module, name, Global("torch.nn", "LayerNorm")), Text("w"), Vector))));
        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void An_array_that_lay_in_a_file_is_an_array_and_its_class_opens_none()
    {
        var array = Array(Dtype("f4", "\u0088", "<"), 1, new string('\0', 4), "memmap");
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), array))));
        checkpoint.Entries.Should().ContainSingle();

        Refusal.Of(TinyArchive.Of(Dict(Text("x"), Call("numpy", "memmap", Text("file")))), CheckpointError.ForbiddenGlobal, "numpy.memmap");
    }

    [Fact]
    public void What_a_record_has_behind_its_last_element_is_no_part_of_its_storage()
    {
        var (two, all) = (Tensor(Storage("0", 2), 0, [2], [1]), Tensor(Storage("0", 2), 0, [3], [1]));
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File(Dict(Text("a"), two, Text("b"), all))), ("a/data/0", new byte[11])), CheckpointError.Malformed, "reaches beyond its storage of 2 elements");
    }

    // By torch.load(mmap=True) it is another one.
    [Fact]
    public void An_archive_whose_weights_are_compressed_says_so()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/deflated.pth"));
        checkpoint.Notes.Should().ContainSingle().Which.Should().StartWith("has weights that are compressed");
    }

    // PyTorch would keep it, and take its first type for all.
    [Fact]
    public void A_storage_of_no_elements_has_no_bytes() =>
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File(Tensor(Storage("0", 0), 0, [0], [1]))), ("a/data/0", new byte[3])), CheckpointError.Malformed, "as 0 elements of torch.FloatStorage");

    [Fact]
    public void Two_keys_that_are_too_deep_to_be_compared_are_one()
    {
        var key = "K\u0001" + new string('\u0085', 300);
        Refusal.Of(TinyArchive.Of(Dict(Text("o"), Dict(key, Vector, key, Vector))), CheckpointError.Malformed, "stands in the checkpoint twice");
    }

    [Fact]
    public void Keys_that_are_not_compared_for_what_is_in_them_are_two()
    {
        static string Key(string name) => Text(name) + "(" + Text("x") + "K\u0001\u0086\u0091\u0086";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), Vector, Text("o"), Dict(Key("a"), Int(1), Key("b"), Int(2))))));
        checkpoint.Entries.Select(e => e.Name).Should().Equal("w");
    }

    [Fact]
    public void Storages_of_which_nothing_is_listed_are_noted()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("s"), "\u008f(" + Vector + "\u0090"))));
        checkpoint.Notes.Single().Should().StartWith("1 storage that the pickle refers to holds no tensor that is listed");
    }

    private static void Unloadable(string root, string reason)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(root)));
        checkpoint.Entries.Should().BeEmpty();
        checkpoint.Unloadable.Single().Reason.Should().Contain(reason);
    }

    private static string Complex(double real, double imaginary) => Call("builtins", "complex", Float(real), Float(imaginary));

    private static string Float(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        return "G" + Encoding.Latin1.GetString(bytes);
    }

    private static string Dtype(string code, string isCopy, string order) =>
        Call("numpy", "dtype", Text(code), "\u0089", isCopy) + Tuple(Int(3), Text(order), "N", "N", "N", Int(-1), Int(-1), Int(0)) + "b";

    private static string Array(string dtype, int count, string bytes, string type = "ndarray") =>
        Call("numpy.core.multiarray", "_reconstruct", Global("numpy", type), Ints(0), "C\u0001b") + Tuple(Int(1), Ints(count), dtype, "\u0089", "B" + Int32(bytes.Length) + bytes) + "b";
}
