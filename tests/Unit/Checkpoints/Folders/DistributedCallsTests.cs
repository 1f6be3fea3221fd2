using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>PyTorch loads a <c>.metadata</c> by <c>pickle.load</c>: what is called in it runs there, and could change what stands beside it.</summary>
public sealed class DistributedCallsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("my.code", "merge")]
    [InlineData("torch.distributed.checkpoint._nested_dict", "set_element")]
    public void A_function_that_could_change_a_dictionary_is_refused(string module, string name)
    {
        Write(Text("v") + TinyFolders.TensorMetadata(4) + Text("x") + Call(module, name, "}"));

        Opening().Throw<CheckpointException>().WithMessage($"*calls {module}.{name} with what it could change, which no writer of this format does*");
    }

    [Fact]
    public void A_store_that_would_connect_is_refused()
    {
        Write(Text("x") + Call("torch.distributed", "TCPStore", Text("localhost"), Int(1)));

        Opening().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.ForbiddenGlobal);
    }

    [Fact]
    public void A_member_that_could_is_refused_as_well()
    {
        var member = Call("builtins", "getattr", Global("my.code", "Table"), Text("merge"));
        Write(Text("x") + member + Tuple(Dict(Text("a"), "N")) + "R");

        Opening().Throw<CheckpointException>().WithMessage("*calls my.code.Table.merge with what it could change*");
    }

    [Fact]
    public void What_writers_call_is_read()
    {
        var part = TinyFolders.Part(TinyFolders.Vector);
        _folder.Write("a.distcp", part);
        var path = "(" + Text("m") + Call("pathlib", "PosixPath", Text("/"), Text("run")) + "0" + Call("torch.distributed.checkpoint.metadata", "_MEM_FORMAT_ENCODING", Int(0)) + "0"
            + Call("my.code", "Version", Int(2), Tuple(Text("a"), Ints(1, 2))) + "0t";
        TinyFolders.WriteDistributed(
            _folder, Text("m") + TinyFolders.TensorMetadata(4), TinyFolders.Place("m", true, "a.distcp", 0, part.Length), Dict(Text("m"), path));

        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Entries.Single().Name.Should().Be("m");
    }

    [Fact]
    public void Properties_under_keys_that_are_no_texts_are_refused()
    {
        var keys = string.Concat(((string[])["float64", "int8", "int16", "int32", "int64"]).Select(type => Global("torch", type) + "N"));
        var part = TinyFolders.Part(TinyFolders.Vector);
        _folder.Write("a.distcp", part);
        Write(Text("v") + TinyFolders.TensorMetadata(4).Replace(Text("dtype") + Global("torch", "float32"), keys, StringComparison.Ordinal), TinyFolders.Place("v", true, "a.distcp", 0, part.Length));

        Opening().Throw<CheckpointException>().WithMessage("*has the properties of a tensor by another class than PyTorch's, or under keys that are no texts*");
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string described, string places = "") => TinyFolders.WriteDistributed(_folder, described, places);

    private FluentAssertions.Specialized.FunctionAssertions<Checkpoint> Opening() => FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should();
}
