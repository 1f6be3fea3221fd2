using System.Text;
using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Archives of TorchScript are libtorch's to read, whose unpickler in C++ does other things than Python's.</summary>
public class TorchScriptTests
{
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);

    [Fact]
    public void A_class_of_TorchScript_that_makes_its_tensors_by_code_shows_none()
    {
        var state = Dict(Text("weight"), Vector, Text("inner"), Global("__torch__.nets", "Plain") + ")\u0081" + Dict(Text("bias"), Vector) + "b");
        var net = Global("__torch__.nets", "Made") + ")\u0081" + state + "b";
        var code = "class Plain(Module):\n  def forward(self): pass\nclass Made(Module):\n  weight : Tensor\n  def __setstate__(self,\n    state: Dict[str, Tensor]) -> NoneType:\n";
        var scripted = TinyArchive.Of(
            ("a/data.pkl", File(Global("__torch__.nets", "Plain") + ")\u0081" + Dict(Text("bias"), Vector, Text("made"), net) + "b")),
            ("a/data/0", new byte[16]), ("a/constants.pkl", File(")")), ("a/code/__torch__/nets.py", Encoding.ASCII.GetBytes(code)));
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pt", scripted));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("bias");
        checkpoint.Unloadable.Single().Name.Should().Be("made");
        checkpoint.Unloadable.Single().Reason.Should().Contain("__setstate__");
    }

    [Theory]
    [InlineData("a/code/__torch__/nets.py", "class  Made(Module):\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made (Module):\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made\r(Module):\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class \rMade(Module):\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made:#(Module):\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "\fclass Made(Module):\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made(Module):\n\tdef __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made(Module):\n  def  __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made(Module):\n  def f(self):\n    return \"\"\"\nclass Zed(Module):\n\"\"\"\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made(Module):\n  def f(self):\n    return '''\nclass Zed(Module):\n'''\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/nets.py", "class Made(Module):\n  def f(self):\n    return \"\\\nclass Zed(Module):\\ \n\"\n  def __setstate__(self):\n")]
    [InlineData("a/code/__torch__/Nets.py", "class Made(Module):\n  def __setstate__(self):\n")]
    [InlineData("a/CODE/__torch__/nets.PY", "class Made(Module):\n  def __setstate__(self):\n")]
    public void Code_that_is_not_as_PyTorch_prints_it_may_make_any_tensor(string record, string code)
    {
        var net = Global("__torch__.nets", "Made") + ")\u0081" + Dict(Text("weight"), Vector) + "b";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pt", TinyArchive.Of(
            ("a/data.pkl", File(net)), ("a/data/0", new byte[16]), ("a/constants.pkl", File(")")), (record, Encoding.ASCII.GetBytes(code)))));

        checkpoint.Entries.Should().BeEmpty();
    }

    // PyTorch 2.6 loads the first seven as the class that makes its tensors itself; of the others its source says so, or nothing.
    [Theory]
    [InlineData("__torch__.nets ", "Made")]
    [InlineData("__torch__.nets", " Made")]
    [InlineData("__torch__.nets\t", "Made")]
    [InlineData("__torch__ .nets", "Made")]
    [InlineData("__torch__.nets", "Made ")]
    [InlineData("__torch__.nets", "Made # x")]
    [InlineData("__torch__/nets", "Made")]
    [InlineData("__torch__.nets.Made", "5")]
    [InlineData("__torch__.nets.Made", "0x1")]
    [InlineData("__torch__.nets.Made", "")]
    public void A_class_that_libtorch_finds_by_another_spelling_of_its_name_shows_no_tensors(string module, string name)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pt", BesideMade(module, name)));

        checkpoint.Entries.Should().BeEmpty();
        checkpoint.Unloadable.Should().ContainSingle();
    }

    // libtorch looks for each name that is not its own in the archive's code, where it may be a class that makes its tensors.
    [Theory]
    [InlineData("builtins", "dict")]
    [InlineData("__builtin__", "dict")]
    [InlineData("builtins", "list")]
    [InlineData("collections", "Counter")]
    [InlineData("numpy", "dtype")]
    [InlineData("torch", "Size")]
    public void A_name_of_Pythons_that_is_none_of_libtorchs_is_refused(string module, string name) =>
        Refusal.Of(Archive(Global("__torch__.nets", "Net") + ")\u0081" + Dict(Text("w"), Vector, Text("x"), Global(module, name)) + "b"), CheckpointError.Malformed, "is an archive of TorchScript whose pickle names");

    [Fact]
    public void What_is_no_object_and_a_dictionary_of_arguments_are_refused()
    {
        Refusal.Of(Archive(Dict(Text("w"), Vector)), CheckpointError.Malformed, "no object of a class");
        Refusal.Of(
            Archive(Global("__torch__.nets", "Net") + ")\u0081" + Dict(Text("w"), TinyPickle.Call("collections", "OrderedDict", "]" + TinyPickle.Tuple(Text("a"), Vector) + "a")) + "b"),
            CheckpointError.Malformed, "makes a dictionary of arguments");
    }

    // Its state_dict has one of them.
    [Fact]
    public void Two_tensors_of_one_name_are_refused()
    {
        static string Object(params string[] attributes) => Global("__torch__.nets", "Net") + ")\u0081" + Dict(attributes) + "b";
        var leaf = Object(Text("w"), Vector);

        Refusal.Of(Archive(Object(Text("a.b"), leaf, Text("a"), Object(Text("b"), leaf))), CheckpointError.Malformed, "tensor 'a.b.w' stands in the checkpoint twice");
        Refusal.Of(Archive(Object(Text("sub.w"), Vector, Text("sub"), Dict(Text("w"), Vector))), CheckpointError.Malformed, "tensor 'sub.w' stands in the checkpoint twice");
    }

    // As of a model whose code comes from a repository: libtorch refuses it, and its weights are shown.
    [Theory]
    [InlineData("__torch__.transformers_modules.chatglm2-6b.7fab.modeling", "Net")]
    [InlineData("__torch__.torch.nn.modules.linear.___torch_mangle_12", "Linear")]
    public void Names_that_PyTorch_writes_show_their_tensors(string module, string name)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pt", BesideMade(module, name)));

        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void Lines_of_code_by_the_million_are_work()
    {
        var code = Encoding.ASCII.GetBytes("class Made(Module):\n  def __setstate__(self):\n" + new string('\n', 6_000_000));
        Refusal.Of(
            TinyArchive.Of(
                ("a/data.pkl", File(Global("__torch__.nets", "Made") + ")\u0081" + Dict(Text("w"), Vector) + "b")), ("a/data/0", new byte[16]), ("a/constants.pkl", File(")")),
                ("a/code/__torch__/nets.py", code)), CheckpointError.LimitExceeded, "takes more work to read");
    }

    // A script class, which PyTorch prints without parentheses, beside a module that makes its tensors itself.
    [Theory]
    [InlineData("class Helper:\n  a : int\n", "weight")]
    [InlineData("class Helper(NamedTuple):\n  a : int\n", "weight")]
    [InlineData("class Helper: \n  a : int\n", "")]
    [InlineData("class Helper:\r\n  a : int\n", "")]
    [InlineData("class Helper:pass\n", "")]
    [InlineData("class :\n", "")]
    [InlineData("class Plain:\n  def __setstate__(self):\n", "")]
    public void A_class_without_parentheses_is_one_and_nothing_stands_behind_it(string helper, string opens)
    {
        var code = "class Made(Module):\n  def __setstate__(self):\nclass Plain(Module):\n  weight : Tensor\n" + helper;
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pt", TinyArchive.Of(
            ("a/data.pkl", File(Global("__torch__.nets", "Plain") + ")\u0081" + Dict(Text("weight"), Vector) + "b")), ("a/data/0", new byte[16]),
            ("a/constants.pkl", File(")")), ("a/code/__torch__/nets.py", Encoding.ASCII.GetBytes(code)))));

        string.Join(',', checkpoint.Entries.Select(e => e.Name)).Should().Be(opens);
    }

    // libtorch calls what it reads next, and not what stands there as a value.
    [Theory]
    [InlineData("torch._tensor", "_rebuild_from_type_v2")]
    [InlineData("torch._utils", "_rebuild_parameter")]
    [InlineData("torch._utils", "_rebuild_parameter_with_state")]
    [InlineData("torch._utils", "_rebuild_tensor_v3")]
    [InlineData("torch.nn.parameter", "Parameter")]
    public void What_Python_alone_writes_is_refused(string module, string name) => Refusal.Of(
        Archive(Global("__torch__.nets", "Net") + ")\u0081" + Dict(Text("junk"), Tuple(Global(module, name)), Text("w"), Vector) + "b"),
        CheckpointError.Malformed, "is an archive of TorchScript whose pickle names " + module);

    [Fact]
    public void A_class_outside_of_its_own_may_have_code_of_any_kind()
    {
        using var folder = new TemporaryFolder();
        foreach (var root in (string[])[Global("foo", "Net"), Global("__torch__.nets", "Net")])
        {
            var inner = Global("foo", "Net") + ")\u0081" + Dict(Text("w"), Vector, Text("_parameters"), Dict(Text("v"), Vector), Text("_modules"), "}") + "b";
            using var checkpoint = Checkpoint.Open(folder.Write("a.pt", Archive(root + ")\u0081" + Dict(Text("inner"), inner) + "b")));

            checkpoint.Entries.Should().BeEmpty();
            checkpoint.Unloadable.Single().Reason.Should().StartWith("is of a class that is not TorchScript's");
        }
    }

    [Fact]
    public void A_storage_by_itself_is_a_tensor_to_libtorch_and_is_not_left_out_unsaid()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pt", Archive(Global("__torch__.nets", "Net") + ")\u0081" + Dict(Text("w"), Vector, Text("s"), Storage("0", 4)) + "b")));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("w");
        checkpoint.Unloadable.Single().Name.Should().Be("s");
    }

    private static byte[] Archive(string root) => TinyArchive.Of(
        ("a/data.pkl", File(root)), ("a/data/0", new byte[16]), ("a/constants.pkl", File(")")), ("a/code/__torch__/nets.py", "class Net(Module):\n  w : Tensor\n"u8.ToArray()));

    // An object of a class of this name, in an archive whose code has a class __torch__.nets.Made that makes its tensors.
    private static byte[] BesideMade(string module, string name) => TinyArchive.Of(
        ("a/data.pkl", File(Global(module, name) + ")\u0081" + Dict(Text("weight"), Vector) + "b")), ("a/data/0", new byte[16]), ("a/constants.pkl", File(")")),
        ("a/code/__torch__/nets.py", Encoding.ASCII.GetBytes("class Made(Module):\n  def __setstate__(self):\n")));
}
