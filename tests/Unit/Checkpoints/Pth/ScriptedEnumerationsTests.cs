using System.Text;
using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Enumerations of TorchScript: libtorch puts nothing in place of a value that no member has, and pairs what comes next otherwise.</summary>
public sealed class ScriptedEnumerationsTests
{
    private const string Code = "class Net(Module):\n  __parameters__ = [\"w\", ]\n  w : Tensor\n  c : __torch__.nets.Color\nclass Color(Enum):\n  RED = 1\n  LOW = -3\n  HALF = 0.5\n  LESS = -1.\n  NAME = \"x\"\n  MICRO = \"µm\"\n  NOT = \"don\\'t\\n\\\\\"\ndef resize(x: Tensor) -> Tensor:\n  return x\nclass COLOR(Enum):\n  RED = 7\n";
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);

    [Fact]
    public void A_member_by_its_value_is_read_as_PyTorch_writes_it()
    {
        foreach (var value in (string[])[Int(1), Int(-3), "G" + Double(0.5), "G" + Double(-1), Text("x"), Text("µm"), Text("don't\n\\")])
        {
            using var folder = new TemporaryFolder();
            using var checkpoint = Checkpoint.Open(folder.Write("a.pt", Archive(Member("Color", value))));

            checkpoint.Entries.Select(e => e.Name).Should().Equal("w");
            checkpoint.Unloadable.Should().BeEmpty();
        }
    }

    public static TheoryData<string> OtherMembers =>
    [
        Member("Color", Int(2)), Member("Color", "G" + Double(1)), Member("Color", Text("1")), Member("Net", Int(1)), Member("Color ", Int(1)), Member("Colour", Int(1)),
    ];

    [Theory]
    [MemberData(nameof(OtherMembers))]
    public void A_value_that_no_member_has_is_refused(string member) => Refusal.Of(Archive(member), CheckpointError.Malformed, "by a value that its code does not have");

    [Theory]
    [InlineData("Color")]
    [InlineData("Color ")]
    [InlineData("Color-x")]
    [InlineData("COLOR")]
    public void An_object_of_what_may_be_an_enumeration_is_refused(string name) =>
        Refusal.Of(Archive(Global("__torch__.nets", name) + ")\u0081" + Int(1) + "b"), CheckpointError.Malformed, "which may be an enumeration");

    [Fact]
    public void Objects_made_by_calls_and_calls_of_nothing_are_refused()
    {
        Refusal.Of(Archive(Call("__torch__.nets", "Net")), CheckpointError.Malformed, "calls __torch__.nets.Net with what is no value of an enumeration");
        Refusal.Of(Archive(Member("Color", Text(new string('x', 5000)))), CheckpointError.Malformed, "with what is no value of an enumeration");
        Refusal.Of(Archive(Global("__torch__.nets", "Color") + "NR"), CheckpointError.Malformed, "with what is no value of an enumeration");
        Refusal.Of(Archive(Global("__torch__.nets", "Net") + Tuple(Vector) + "\u0081"), CheckpointError.Malformed, "makes a new object of what TorchScript makes none of");
        Refusal.Of(Archive(Global("torch._utils", "_rebuild_tensor_v2") + ")\u0081"), CheckpointError.Malformed, "makes a new object of what TorchScript makes none of");
    }

    [Theory]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color( Enum):\n  RED = 1\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = 1 # one\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = 01\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = --1\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n   RED = 1\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = \"\\x41\"\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = \"\\101\"\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = \"\\r\"\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = \"\\\"\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = \"a\"b\"\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color(Enum):\n  RED = 1\nclass Color(Enum):\n  RED = 2\n")]
    [InlineData("class Net(Module):\n  w : Tensor\nclass Color\r(Enum):\n  RED = 1\n")]
    public void Code_of_enumerations_that_is_not_as_PyTorch_prints_it_is_refused(string code) =>
        Refusal.Of(Archive(Member("Color", Int(1)), code), CheckpointError.Malformed, "may have enumerations");

    private static string Member(string type, string value) => Global("__torch__.nets", type) + value + "R";

    private static byte[] Archive(string color, string code = Code) => TinyArchive.Of(
        ("a/data.pkl", File(Global("__torch__.nets", "Net") + ")\u0081" + Dict(Text("c"), color, Text("w"), Vector) + "b")), ("a/data/0", new byte[16]),
        ("a/constants.pkl", File(")")), ("a/code/__torch__/nets.py", Encoding.UTF8.GetBytes(code)));

    private static string Double(double value) => Encoding.Latin1.GetString([.. BitConverter.GetBytes(value).Reverse()]);
}
