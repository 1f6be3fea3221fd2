using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>What Python copies as it makes an object, or changes by reference, so that the pickle's own values are not what the object has in the end.</summary>
public class CopiedValuesTests
{
    private const string Grows = "adds items to what an object has its state from already, or was made of";
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);
    private static readonly string Later = Text("w") + Vector + "s";

    [Fact]
    public void A_state_that_is_an_object_and_grows_is_refused()
    {
        var state = Global("my.code", "Attributes") + ")\u0081q\u0007";
        foreach (var given in (string[])[state, "N" + state + "\u0086"])
            Refusal.Of(TinyArchive.Of(Global("my.code", "Net") + ")\u0081" + given + "bh\u0007" + Later + "0"), CheckpointError.Malformed, Grows);
    }

    [Fact]
    public void What_a_tuple_was_made_of_does_not_grow()
    {
        var made = Global("builtins", "tuple") + "]q\u0007" + Vector + "a";
        Refusal.Of(TinyArchive.Of(Dict(Text("t"), made + "\u0085R", Text("l"), "h\u0007" + Vector + "a")), CheckpointError.Malformed, Grows);
        Refusal.Of(TinyArchive.Of(Dict(Text("t"), made + "\u0085\u0081", Text("l"), "h\u0007" + Vector + "a")), CheckpointError.Malformed, Grows);
    }

    [Fact]
    public void Nor_do_named_arguments_and_what_copyreg_takes()
    {
        Refusal.Of(TinyArchive.Of(Global("my.code", "Net") + ")}q\u0007" + Text("a") + "Ns\u0092h\u0007" + Later + "0"), CheckpointError.Malformed, Grows);
        var made = Global("copyreg", "_reconstructor") + "(" + Global("my.code", "Table") + Global("builtins", "dict") + "}q\u0007tR";
        Refusal.Of(TinyArchive.Of(made + "h\u0007" + Later + "0"), CheckpointError.Malformed, Grows);
    }

    [Fact]
    public void What_copyreg_made_with_its_contents_gets_no_others()
    {
        var made = Call("copyreg", "_reconstructor", Global("my.code", "Table"), Global("builtins", "dict"), Dict(Text("w"), Vector));
        Refusal.Of(TinyArchive.Of(made + Later), CheckpointError.Malformed, "adds items to an object that was made with its contents");
    }

    [Fact]
    public void A_list_of_a_set_is_refused() =>
        Refusal.Of(TinyArchive.Of(Dict(Text("l"), Call("builtins", "list", "\u008f(" + Vector + "\u0090"))), CheckpointError.Malformed, "calls builtins.list with arguments that it does not take");

    [Fact]
    public void A_tensor_that_has_no_contents_yet_gives_none_to_what_is_made_of_it()
    {
        var pending = Call("torch", "FloatTensor") + "q\u0007";
        var inner = Call("torch._tensor", "_rebuild_from_type_v2", Global("torch.jit._pickle", "restore_type_tag"), Global("torch", "Tensor"), Tuple("h\u0007", Text("T")), "}");
        var contents = "h\u0007" + Tuple(Storage("0", 4), Int(0), Ints(4), Ints(1)) + "b";
        Refusal.Of(TinyArchive.Of(Dict(Text("a"), pending, Text("w"), inner, Text("b"), contents)), CheckpointError.Malformed, "_rebuild_from_type_v2 with arguments that it does not take");
    }

    // A frozen dataclass with slots has its fields in a list.
    [Fact]
    public void A_state_that_has_a_module_in_a_list_is_no_modules_unless_it_hides_pairs()
    {
        string[] attributes = [Text("_parameters"), Dict(Text("w"), Vector), Text("_modules"), Dict(Text("m"), Global("my.code", "Inner") + ")\u0081" + Dict(Text("_parameters"), "}", Text("_modules"), "}") + "b")];
        var module = Global("torch.nn.modules.linear", "Linear") + ")\u0081" + Dict(attributes) + "b";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("b"), Global("my.code", "Bundle") + ")\u0081](" + module + Int(1) + "eb", Text("w"), Vector))));
        checkpoint.Entries.Select(e => e.Name).Should().Contain("w");

        string[] pair = [.. attributes, Text("data"), "](" + Text("_parameters") + Dict(Text("v"), Vector) + "e"];
        var hidden = Global("my.code", "Pair") + ")\u0081" + Dict(pair) + "b";
        Refusal.Of(TinyArchive.Of(Global("my.code", "Module") + ")\u0081](" + hidden + "eb"), CheckpointError.Malformed, "has an object whose state has _parameters");
    }

    // functools.partial has what it calls, and its arguments, in a tuple.
    [Fact]
    public void A_state_that_has_a_module_in_a_tuple_is_no_modules()
    {
        var module = Global("torch.nn.modules.linear", "Linear") + ")\u0081" + Dict(Text("_parameters"), Dict(Text("w"), Vector), Text("_modules"), "}") + "b";
        var partial = Global("functools", "partial") + Tuple(module) + "R" + Tuple(module, Tuple(module), Dict(Text("m"), module), "N") + "b";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("p"), partial, Text("w"), Vector))));

        checkpoint.Entries.Select(e => e.Name).Should().Contain("w");
    }

    [Fact]
    public void A_module_whose_state_is_no_dictionary_is_refused()
    {
        string[] pairs = [Text("_parameters"), Dict(Text("w"), Vector), Text("_modules"), "}"];
        var list = "](" + Tuple(pairs[..2]) + Tuple(pairs[2..]) + "e";
        var userDict = Global("collections", "UserDict") + ")\u0081" + Dict(Text("data"), Dict(pairs)) + "b";
        string[] states =
        [
            list, Tuple(Tuple(pairs[..2]), Tuple(pairs[2..])), Global("my.code", "Attributes") + ")\u0081(" + string.Concat(pairs) + "u", Call("my.code", "Attributes", list), userDict,
            Global("collections", "ChainMap") + ")\u0081" + Dict(Text("maps"), "](" + userDict + "e") + "b", Call("my.code", "Attributes", Call("my.code", "Attributes", Call("my.code", "Attributes", list))),
            Call("numpy.core.multiarray", "_reconstruct", Global("numpy", "ndarray"), Tuple(Int(0)), "C\u0001b")
                + Tuple(Int(1), Ints(2), Call("numpy", "dtype", Text("O8"), "\u0089", "\u0088"), "\u0089", "](" + Tuple(pairs[..2]) + Tuple(pairs[2..]) + "e") + "b",
        ];
        foreach (var state in states)
            Refusal.Of(TinyArchive.Of(Global("torch.nn.modules.linear", "Linear") + ")\u0081" + state + "b"), CheckpointError.Malformed, "has an object whose state has _parameters, and is no dictionary");
    }

    [Fact]
    public void What_a_million_objects_are_given_is_paid_for_each_time()
    {
        var given = "(" + string.Concat(Enumerable.Repeat("N", 100_000)) + "tq\u0007" + "0";
        var objects = string.Concat(Enumerable.Repeat("h\u0008)\u0081h\u0007b0", 20_000));
        Refusal.Of(TinyArchive.Of(given + Global("my.code", "Net") + "q\u00080" + objects + "}"), CheckpointError.LimitExceeded, "takes more work to read");
    }

    [Fact]
    public void A_state_that_is_a_tuple_and_the_type_of_None_are_read()
    {
        using var folder = new TemporaryFolder();
        var net = Global("my.code", "Net") + ")\u0081" + Tuple(Text("kind"), "](" + Vector + "e") + "b";
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("net"), net, Text("type"), Call("builtins", "type", "N")))));

        checkpoint.Entries.Should().ContainSingle();
    }

    // As (Node, (siblings,)) of a __reduce__, and as a layer whose hook keeps its own handle.
    [Fact]
    public void What_keeps_what_it_was_handed_is_read()
    {
        var siblings = "]q\u0007" + Global("my.code", "Node") + "h\u0007\u0085\u0081a";
        var handle = Global("torch.utils.hooks", "RemovableHandle") + ")\u0081h\u0008" + Int(1) + "\u0086b";
        var hooks = OrderedDict + "q\u0008" + Int(1) + handle + "s";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), Vector, Text("nodes"), siblings, Text("hooks"), hooks))));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("w");
    }

    [Fact]
    public void A_size_of_a_tensor_is_none()
    {
        var scalar = Tensor(Storage("0", 2, "LongStorage"), 0, [], []);
        foreach (var sizes in (string[])[Tuple(scalar), "]" + scalar + "a"])
            Refusal.Of(TinyArchive.Of(Dict(Text("a"), Call("torch", "Size", sizes))), CheckpointError.Malformed, "calls torch.Size with arguments that it does not take");
    }

    [Theory]
    [InlineData("meta")]
    [InlineData("meta:0")]
    public void A_storage_without_contents_has_none_by_any_number(string location)
    {
        var storage = Tuple(Text("storage"), Global("torch", "FloatStorage"), Text("0"), Text(location), Int(4)) + "Q";
        using var folder = new TemporaryFolder();
        FluentActions.Invoking(() => Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Dict(Text("w"), Tensor(storage, 0, [4], [1])))))).Should().Throw<CheckpointException>();
    }

    [Fact]
    public void A_module_whose_parameters_are_a_name_is_refused()
    {
        var state = Dict(Text("_parameters"), Global("torch.nn.modules.module", "_global_forward_hooks"), Text("_buffers"), Dict(Text("b"), Vector), Text("_modules"), "}");
        Refusal.Of(TinyArchive.Of(Global("my.code", "Net") + ")\u0081" + state + "b"), CheckpointError.Malformed, "has a module whose _parameters is no dictionary");
    }

    [Fact]
    public void A_type_of_something_is_not_asked_for() =>
        Refusal.Of(TinyArchive.Of(Dict(Text("w"), Vector, Text("t"), Call("builtins", "type", "]"))), CheckpointError.ForbiddenGlobal, "builtins.type");

    [Theory]
    [InlineData("collections", "OrderedDict.update")]
    [InlineData("collections.abc", "MutableMapping.pop")]
    [InlineData("torch.nn.modules.module", "OrderedDict.update")]
    public void What_changes_a_container_is_refused_by_its_name(string module, string name)
    {
        var (type, member) = (name.Split('.')[0], name.Split('.')[1]);
        var dotted = "\u0080\u0004" + Text(module) + Text(name) + "\u0093" + "0" + Dict(Text("w"), Vector) + ".";
        Refusal.Of(TinyArchive.Of(("a/data.pkl", System.Text.Encoding.Latin1.GetBytes(dotted)), ("a/data/0", new byte[16])), CheckpointError.ForbiddenGlobal, name);
        Refusal.Of(TinyArchive.Of(Dict(Text("w"), Vector, Text("x"), Call("builtins", "getattr", Global(module, type), Text(member)))), CheckpointError.ForbiddenGlobal, name);
    }
}
