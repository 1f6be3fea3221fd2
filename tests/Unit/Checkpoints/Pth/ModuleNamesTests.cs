using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>The state_dict() of a pickled module has each name once, and which of two it keeps is a matter of PyTorch's order.</summary>
public class ModuleNamesTests
{
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);

    [Fact]
    public void A_parameter_and_a_buffer_of_one_name_are_refused() =>
        Refusal.Of(TinyArchive.Of(Module(Dict(Text("w"), Vector), Dict(Text("w"), Vector), "}")), CheckpointError.Malformed, "tensor 'w' stands in the checkpoint twice");

    [Fact]
    public void Modules_whose_names_become_one_are_refused()
    {
        var leaf = Module(Dict(Text("w"), Vector), "}", "}");
        var modules = Dict(Text("a"), Module("}", "}", Dict(Text("b"), leaf)), Text("a.b"), leaf);
        Refusal.Of(TinyArchive.Of(Module("}", "}", modules)), CheckpointError.Malformed, "tensor 'a.b.w' stands in the checkpoint twice");
    }

    [Theory]
    [InlineData("]", "a")]
    [InlineData("\u008f(", "\u0090")]
    [InlineData("}", "Ns")]
    public void Buffers_that_are_not_persistent_are_left_out_whatever_names_them(string begin, string end)
    {
        var hidden = Text("_non_persistent_buffers_set") + begin + Text("b") + end;
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Module(Dict(Text("w"), Vector), Dict(Text("b"), Vector), "}", hidden))));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("w");
    }

    // Python copied what there was.
    [Fact]
    public void A_state_that_grows_after_it_was_given_is_refused()
    {
        var state = "}q\u0007(" + Text("_parameters") + Dict(Text("w"), Vector) + Text("_modules") + "}u";
        var late = Global("torch.nn.modules.linear", "Linear") + ")\u0081" + state + "bh\u0007" + Text("_buffers") + Dict(Text("b"), Vector) + "s0";
        Refusal.Of(TinyArchive.Of(late), CheckpointError.Malformed, "adds items to what an object has its state from already");

        var slots = Global("my.code", "Slots") + ")\u0081N}q\u0007\u0086bh\u0007" + Text("w") + Vector + "s0";
        Refusal.Of(TinyArchive.Of(slots), CheckpointError.Malformed, "adds items to what an object has its state from already");
    }

    [Fact]
    public void A_module_with_items_beside_its_state_and_a_class_with_a_state_are_refused()
    {
        var module = Module(Dict(Text("w"), Vector), "}", "}");
        Refusal.Of(TinyArchive.Of(module + Text("a") + Vector + "s"), CheckpointError.Malformed, "has a module with items beside its state");
        Refusal.Of(TinyArchive.Of(module + Vector + "a"), CheckpointError.Malformed, "has a module with items beside its state");
        var member = Global("builtins", "getattr") + Tuple(Global("my.code", "Thing"), Text("Inner")) + "R";
        Refusal.Of(TinyArchive.Of(Dict(Text("w"), Vector, Text("x"), member + "}b")), CheckpointError.Malformed, "gives a class, or a member of one, a state");
    }

    // To Python they are dictionaries as well, or tensors: what a function made is listed, or refused, and never passed over.
    [Theory]
    [InlineData("_parameters")]
    [InlineData("_buffers")]
    [InlineData("_modules")]
    public void A_module_whose_tensors_lie_in_what_a_function_made_is_refused(string which)
    {
        var made = Call("typing", "OrderedDict") + Dict(Text("w"), Vector)[1..];
        string Of(string attribute, string otherwise) => attribute == which ? made : otherwise;
        Refusal.Of(TinyArchive.Of(Module(Of("_parameters", "}"), Of("_buffers", "}"), Of("_modules", "}"))), CheckpointError.Malformed, $"has a module whose {which} is no dictionary");
    }

    [Fact]
    public void What_a_function_made_of_a_tensor_is_listed_below_its_name()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Module(Dict(Text("w"), Vector), Dict(Text("b"), Call("torch", "clone", Vector)), "}"))));

        checkpoint.Entries.Select(e => e.Name).Should().Contain("w").And.Contain(name => name.StartsWith('b'));
    }

    [Theory]
    [MemberData(nameof(Attributes))]
    public void A_module_with_attributes_that_Python_would_read_otherwise_is_refused(string attributes, string problem) =>
        Refusal.Of(TinyArchive.Of(Module(Dict(Text("w"), Vector), "}", "}", attributes)), CheckpointError.Malformed, problem);

    public static TheoryData<string, string> Attributes => new()
    {
        { Call("builtins", "str", Text("_parameters")) + Dict(Text("w"), Vector), "an attribute that is called by no text" },
        { Text("_parameters") + Dict(Text("v"), Vector), "'_parameters' stands in the checkpoint twice" },
        { Text("_non_persistent_buffers_set") + Text("b"), "_non_persistent_buffers_set is no set of names" },
        { Text("_non_persistent_buffers_set") + "]" + Call("builtins", "str", Text("b")) + "a", "_non_persistent_buffers_set is no set of names" },
        { Text("_non_persistent_buffers_set") + Call("copy", "copy", "]" + Text("b") + "a"), "_non_persistent_buffers_set is no set" },
        { Text("state_dict") + Call("functools", "partial", Global("collections", "OrderedDict")), "attribute state_dict stands before its method" },
        { Text("_save_to_state_dict") + Global("my.code", "names"), "attribute _save_to_state_dict stands before its method" },
    };

    [Fact]
    public void Attributes_that_are_its_own_are_no_matter()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Module(
            Dict(Text("w"), Vector), "}", "}", Text("buffers") + Call("collections", "deque", ")", Int(9)) + Text("children") + Call("my.code", "Node")))));

        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void A_dictionary_whose_attributes_are_called_by_no_text_is_refused() => Refusal.Of(
        TinyArchive.Of(OrderedDict + Dict(Call("builtins", "str", Text("items")), Global("collections", "OrderedDict")) + "b"), CheckpointError.Malformed, "attributes that may hide what is in it");

    [Fact]
    public void Two_modules_of_one_checkpoint_may_have_the_same_names()
    {
        var module = Module(Dict(Text("w"), Vector), "}", "}");
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("a.b"), module, Text("a"), Dict(Text("b"), module)))));

        checkpoint.Entries.Should().HaveCount(2);
    }

    [Fact]
    public void A_parameter_is_made_of_as_many_values_as_PyTorch_takes()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), Call("torch._utils", "_rebuild_parameter", Vector, "\u0088", OrderedDict)))));
        checkpoint.Entries.Should().ContainSingle();

        foreach (var arguments in (string[][])[[Vector], [Vector, "\u0088"], [Vector, "\u0088", OrderedDict, "}"], [Vector, Int(4), Ints(4), Ints(1), "\u0089", "N"]])
            Refusal.Of(TinyArchive.Of(Dict(Text("w"), Call("torch._utils", "_rebuild_parameter", arguments))), CheckpointError.Malformed, "_rebuild_parameter");
    }

    private static string Module(string parameters, string buffers, string modules, string more = "") =>
        Global("torch.nn.modules.linear", "Linear") + ")\u0081" + Dict(Text("training"), "\u0088", Text("_parameters"), parameters, Text("_buffers"), buffers, Text("_modules"), modules, more) + "b";
}
