using System.Text;
using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

public sealed class PickleRefusalTests
{
    // To Python they are two characters, and no key that .NET could tell from the one of a pair.
    [Theory]
    [InlineData("X\u0007\0\0\0a\u00ed\u00a0\u00bd\u00ed\u00b8\u0080", true)]
    [InlineData("Va\\ud83d\\ude00\n", true)]
    [InlineData("X\u0007\0\0\0a\u00ed\u00b8\u0080\u00ed\u00a0\u00bd", false)]
    [InlineData("Va\\U0001f600\n", false)]
    public void Two_halves_of_a_surrogate_pair_are_no_character(string key, bool isRefused)
    {
        var archive = TinyArchive.Of(Dict(key, Tensor(Storage("0", 4), 0, [4], [1])));

        using var folder = new TemporaryFolder();
        if (isRefused) Refusal.Of(archive, CheckpointError.Malformed, "two halves of a surrogate pair");
        else Checkpoint.Open(folder.Write("a.pth", archive)).Dispose();
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("builtins", "getattr")]
    [InlineData("__builtin__", "eval")]
    [InlineData("subprocess", "Popen")]
    [InlineData("torch", "load")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("torch.jit", "load")]
    [InlineData("torch.hub", "load")]
    [InlineData("torch.fx.graph_module", "reduce_graph_module")]
    [InlineData("sys", "modules")]
    [InlineData("importlib", "import_module")]
    [InlineData("shutil", "rmtree")]
    [InlineData("ctypes", "CDLL")]
    [InlineData("pty", "spawn")]
    [InlineData("webbrowser", "open")]
    [InlineData("collections", "OrderedDict.__init__.__globals__")]
    [InlineData("random", "_os.system")]
    [InlineData("torch", "os.system")]
    [InlineData("torch", "utils.data.dataloader.multiprocessing.Process")]
    [InlineData("numpy", "os")]
    [InlineData("torch._utils", "sys.modules")]
    [InlineData("torch._utils", "functools.builtins.eval")]
    [InlineData("my.code", "_pickle.loads")]
    [InlineData("pathlib", "Path.write_text")]
    [InlineData("logging.config", "fileConfig")]
    [InlineData("zipfile", "ZipFile")]
    [InlineData("thread", "start_new_thread")]
    [InlineData("io", "open_code")]
    public void A_name_that_no_checkpoint_needs_is_refused(string module, string name)
    {
        Refusal.Of(TinyArchive.Of(Call(module, name, Text("true"))), CheckpointError.ForbiddenGlobal, $"{module.Replace("__builtin__", "builtins")}.{name}");
        // Protocol 4 names globals from the stack.
        Refusal.Of(
            TinyArchive.Of(Text(module) + Text(name) + "\u0093"), CheckpointError.ForbiddenGlobal, $"{module.Replace("__builtin__", "builtins")}.{name}");
    }

    [Theory]
    [InlineData("my.code", "Outer.Inner")]
    [InlineData("my.code", "profile")]
    [InlineData("my.code.trace", "Trace")]
    [InlineData("code.model", "Net")]
    [InlineData("pathlib", "PosixPath")]
    [InlineData("pathlib._local", "PosixPath")]
    public void A_name_that_only_looks_like_one_opens(string module, string name) => Open(Text(module) + Text(name) + "\u0093").Metadata[""].Should().Be($"{module}.{name}");

    [Theory]
    [InlineData("operator", "attrgetter")]
    [InlineData("functools", "cmp_to_key")]
    public void What_makes_functions_of_functions_is_refused_where_it_is_called(string module, string name)
    {
        Refusal.Of(TinyArchive.Of(Call(module, name, Text("system"))), CheckpointError.ForbiddenGlobal, $"{module}.{name}");
        Open(Global(module, name)).Metadata.Should().Equal(new Dictionary<string, string> { [""] = $"{module}.{name}" });
    }

    [Theory]
    [InlineData("operator.attrgetter")]
    [InlineData("collections._itemgetter")]
    public void Nor_is_it_called_by_copyreg(string whole)
    {
        var (module, name) = (whole[..whole.IndexOf('.')], whole[(whole.IndexOf('.') + 1)..]);
        var type = Global(module, name);

        Refusal.Of(TinyArchive.Of(Global("copyreg", "_reconstructor") + Tuple(type, type, Text("__init__")) + "R"), CheckpointError.ForbiddenGlobal, whole);
        Refusal.Of(TinyArchive.Of(Global("copyreg", "__newobj__") + Tuple(type, Text("system")) + "R"), CheckpointError.ForbiddenGlobal, whole);
    }

    [Fact]
    public void By_way_of_another_module_it_is_refused_as_well() =>
        Refusal.Of(TinyArchive.Of(Text("typing") + Text("operator.attrgetter") + "\u0093" + Tuple(Text("system")) + "R"), CheckpointError.ForbiddenGlobal, "typing.operator.attrgetter");

    [Fact]
    public void The_refusal_names_all_that_no_checkpoint_needs() => Refusal.Of(
        TinyArchive.Of(Tuple(Call("os", "system", Text("true")), Global("subprocess", "Popen"), Global("argparse", "Namespace"), Call("builtins", "eval", Text("1")))),
        CheckpointError.ForbiddenGlobal, "os.system, subprocess.Popen, builtins.eval, which no checkpoint needs");

    [Fact]
    public void A_file_that_is_malformed_behind_them_is_refused_for_them() =>
        Refusal.Of(TinyArchive.Of(Call("os", "system", Text("true")) + "0NaN"), CheckpointError.ForbiddenGlobal, "os.system");

    [Theory]
    [InlineData("in a dictionary in a list", "]}X\u0001\0\0\0kcos\nsystem\nsa")]
    [InlineData("as an argument", "ctorch\nSize\ncos\nsystem\n\u0085R")]
    [InlineData("put on the stack from the memo", "X\u0002\0\0\0osq\0X\u0006\0\0\0systemq\u0001\u0030\u0030h\0h\u0001\u0093")]
    [InlineData("by short strings", "\u008c\u0002os\u008c\u0006system\u0093")]
    [InlineData("behind a dropped value", "N0cos\nsystem\n0N")]
    [InlineData("in a persistent id", "(X\u0007\0\0\0storagecos\nsystem\ntQ")]
    [InlineData("in the state of a dictionary", "ccollections\nOrderedDict\n)Rcos\nsystem\nb")]
    [InlineData("as a class with INST", "(X\u0002\0\0\0idios\nsystem\n")]
    [InlineData("as a class with OBJ", "(cos\nsystem\nX\u0002\0\0\0ido")]
    [InlineData("as a class with NEWOBJ_EX", "cos\nsystem\n)}\u0092")]
    public void Such_a_name_is_refused_wherever_it_stands(string where, string pickle)
    {
        where.Should().NotBeEmpty("it says what is wrong to whoever reads the test's name");
        Refusal.Of(TinyArchive.Of(pickle), CheckpointError.ForbiddenGlobal, "os.system");
    }

    [Fact]
    public void A_pickle_of_protocol_0_is_refused_by_what_it_would_call() => Refusal.Of(
        TinyArchive.Of(("a/data.pkl", "cos\nsystem\n(S'id'\ntR."u8.ToArray())), CheckpointError.ForbiddenGlobal, "os.system");

    [Fact]
    public void A_quantized_storage_under_another_dtype_cannot_be_loaded() => Open(Dict(Text("q"), Call(
            "torch._utils", "_rebuild_tensor_v3", Storage("0", 16, "QInt8Storage"), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict, Global("torch", "float32"))))
        .Unloadable.Should().ContainSingle().Which.Reason.Should().Contain("torch.QInt8Storage");

    [Fact]
    public void A_tensor_of_a_dtype_that_only_safetensors_has_is_refused() => Refusal.Of(
        TinyArchive.Of(Call(
            "torch._utils", "_rebuild_tensor_v3", Storage("0", 4), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict, Global("torch", "float4_e2m1"))),
        CheckpointError.Malformed, "_rebuild_tensor_v3");

    [Theory]
    [InlineData("an id in text", "Pstorage\n.")]
    [InlineData("an integer that is none", "Ifive\n.")]
    [InlineData("an integer that is none", "I5L\n.")]
    [InlineData("a float that is none", "Ffive\n.")]
    [InlineData("a string without quotes", "Sfive\n.")]
    [InlineData("a string with half an escape", "S'\\x4'\n.")]
    [InlineData("a letter with half an escape", "V\\u00\n.")]
    [InlineData("protocol 6", "\u0080\u0006N.")]
    [InlineData("no end", "\u0080\u0002N")]
    [InlineData("nothing", "\u0080\u0002.")]
    [InlineData("two values", "\u0080\u0002NN.")]
    [InlineData("a mark left", "\u0080\u0002N(.")]
    [InlineData("an object of nothing", "\u0080\u0002(o.")]
    [InlineData("an extension code", "\u0080\u0002\u0082\u0001.")]
    [InlineData("an out-of-band buffer", "\u0080\u0005\u0097.")]
    [InlineData("a tuple without a mark", "\u0080\u0002t.")]
    [InlineData("a tuple from below the mark", "\u0080\u0002NN(\u0086.")]
    [InlineData("a pop below the mark", "\u0080\u0002(0t0.")]
    [InlineData("a value never memoized", "\u0080\u0002h\u0005.")]
    [InlineData("append to a tuple", "\u0080\u0002)Na.")]
    [InlineData("append to a dictionary", "\u0080\u0002}Na.")]
    [InlineData("set an item of a list", "\u0080\u0002]NNs.")]
    [InlineData("a key without a value", "\u0080\u0002}(Nu.")]
    [InlineData("call a string", "\u0080\u0002X\u0001\0\0\0a)R.")]
    [InlineData("call with a list", "\u0080\u0002ccollections\nOrderedDict\n]R.")]
    [InlineData("call a class with wrong arguments", "\u0080\u0002ctorch\nSize\nN\u0085R.")]
    [InlineData("call a symbol", "\u0080\u0002ctorch\nfloat32\n)R.")]
    [InlineData("state for a list", "\u0080\u0002]}b.")]
    [InlineData("a string beyond the end", "\u0080\u0002X\u00ff\u00ff\u00ff\u007fa.")]
    [InlineData("a string of negative length", "\u0080\u0004\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffa.")]
    [InlineData("bytes beyond the end", "\u0080\u0002B\u00ff\u00ff\u00ff\u00ffa.")]
    [InlineData("a string that is no UTF-8", "\u0080\u0002X\u0001\0\0\0\u00ff.")]
    [InlineData("a global without an end", "\u0080\u0002ctorch.")]
    public void A_malformed_pickle_is_refused(string what, string pickle)
    {
        what.Should().NotBeEmpty("it says what is wrong to whoever reads the test's name");
        Refusal.Of(TinyArchive.Of(("a/data.pkl", System.Text.Encoding.Latin1.GetBytes(pickle))), CheckpointError.Malformed, "the pickle", "at byte");
    }

    private static Checkpoint Open(string pickle)
    {
        using var folder = new TemporaryFolder();
        return Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(pickle)));
    }

    [Fact]
    public void A_memo_index_far_beyond_the_bytes_is_refused() =>
        Refusal.Of(TinyArchive.Of(Text("a") + "r" + Int32(int.MaxValue)), CheckpointError.LimitExceeded, "memoizes at 2147483647");

    [Fact]
    public void A_type_of_NumPys_that_is_a_byte_order_alone_is_refused() =>
        Refusal.Of(TinyArchive.Of(Call("numpy.core.multiarray", "scalar", Call("numpy", "dtype", Text(">"), "\u0089", "\u0088"), Text(""))), CheckpointError.Malformed, "numpy.dtype");

    [Fact]
    public void A_name_longer_than_any_is_refused() =>
        Refusal.Of(TinyArchive.Of(Global("my.code", new string('x', 4090))), CheckpointError.LimitExceeded, "names a global by 4097 characters, more than the limit of 4096");

    // Python's error comes at once, too: nothing else is behind a line that is no number.
    [Theory]
    [InlineData("I", "9", CheckpointError.LimitExceeded, "has an integer of 1000 digits, more than the limit of 620")]
    [InlineData("L", "9", CheckpointError.LimitExceeded, "has an integer of 1000 digits, more than the limit of 620")]
    [InlineData("I", "z", CheckpointError.Malformed, "has an integer that is none")]
    [InlineData("L", "\u0001", CheckpointError.Malformed, "has an integer that is none")]
    public void An_integer_of_a_long_line_is_refused(string opcode, string letter, CheckpointError error, string says) =>
        Refusal.Of(TinyArchive.Of(opcode + string.Concat(Enumerable.Repeat(letter, 1000)) + "\n"), error, says);

    [Fact]
    public void An_integer_of_many_digits_is_refused() =>
        Refusal.Of(TinyArchive.Of("\u008b" + Int32(1000) + new string('a', 1000)), CheckpointError.LimitExceeded, "integer of 1000 bytes");

    [Fact]
    public void A_stack_without_end_is_refused() =>
        Refusal.Of(TinyArchive.Of("(" + new string('N', 2_000_000) + "t"), CheckpointError.LimitExceeded, "1048576 values on its stack");

    [Fact]
    public void More_lists_than_the_length_justifies_are_refused() =>
        Refusal.Of(TinyArchive.Of("](" + string.Concat(Enumerable.Repeat("]0", 2_200_000)) + "e"), CheckpointError.LimitExceeded, "more values");

    [Fact]
    public void Nesting_without_end_is_refused() => Refusal.Of(TinyArchive.Of("]" + new string('\u0085', 100_000)), CheckpointError.LimitExceeded, "256 levels");

    [Fact]
    public void Exponentially_many_names_from_shared_lists_are_refused()
    {
        // Each list holds the one before ten times.
        var pickle = "]q\0N" + "a";
        for (var level = 1; level < 30; level++) pickle += $"]q{(char)level}(" + string.Concat(Enumerable.Repeat($"h{(char)(level - 1)}", 10)) + "e";
        Refusal.Of(TinyArchive.Of($"({pickle}t"), CheckpointError.LimitExceeded, "than its descriptions need");
    }

    [Fact]
    public void A_storage_class_without_a_place_in_an_id_is_no_tensor() =>
        Refusal.Of(TinyArchive.Of(Tensor(Text("0") + "Q", 0, [1], [1])), CheckpointError.Malformed, "_rebuild_tensor_v2");

    // Python's reader in C passes over the rest of a frame in which a value does not fit, and reads what is another pickle to those that ignore frames.
    [Theory]
    [InlineData(3, "J\0\0" + "\0\0\u008c\u00020}" + "00}.", "has a value that is longer than its frame")]
    [InlineData(200, "}.", "stops inside of a frame")]
    [InlineData(12, "\u0095\u0002\0\0\0\0\0\0\0}0}.", "has a frame inside of a frame")]
    public void A_pickle_that_frames_make_into_two_is_refused(int frameBytes, string rest, string problem)
    {
        var pickle = "\u0080\u0004\u0095" + Int64(frameBytes) + rest;

        Refusal.Of(TinyArchive.Of(("a/data.pkl", Encoding.Latin1.GetBytes(pickle.PadRight(300, '0')))), CheckpointError.Malformed, problem);
    }

    [Fact]
    public void Frames_as_Python_writes_them_are_read()
    {
        var vector = Tensor(Storage("0", 4), 0, [4], [1]);
        var dictionary = Dict(Text("w"), vector);
        using var folder = new TemporaryFolder();

        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(
            ("a/data.pkl", Encoding.Latin1.GetBytes("\u0080\u0004\u0095" + Int64(1) + "}" + "0" + "\u0095" + Int64(dictionary.Length + 1) + dictionary + ".")), ("a/data/0", new byte[16]))));

        checkpoint.Entries.Single().Name.Should().Be("w");
    }
}
