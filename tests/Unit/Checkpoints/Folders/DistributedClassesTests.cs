using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Folders.TinyFolders;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>A <c>.metadata</c> is of PyTorch's own classes, and lists are lists: of others nobody knows what PyTorch makes of them.</summary>
public sealed class DistributedClassesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _part = Part(Vector);

    public DistributedClassesTests() => _folder.Write("a.distcp", _part);

    [Theory]
    [InlineData("MetadataIndex", "has a place of a part that is not one of FileSystemWriter's")]
    [InlineData("_StorageInfo", "has a place of a part that is not one of FileSystemWriter's")]
    [InlineData("TensorStorageMetadata", "describes 'v' by what is neither a tensor's metadata nor a value's")]
    [InlineData("TensorProperties", "has the properties of a tensor by another class than PyTorch's")]
    [InlineData("ChunkStorageMetadata", "has a part of tensor 'v' that is no box of its shape [4]")]
    public void Another_class_is_refused_and_PyTorchs_own_by_whatever_module_is_not(string type, string says)
    {
        const string Module = "ctorch.distributed.checkpoint.metadata\n";
        Write(text => text.Replace($"{Module}{type}\n", $"cmy.code\n{type}\n", StringComparison.Ordinal));
        Refusal.Of(_folder.Path, CheckpointError.Malformed, says);
        Write(text => text.Replace($"{Module}{type}\n", $"{Module}My{type}\n", StringComparison.Ordinal));
        Refusal.Of(_folder.Path, CheckpointError.Malformed, says);

        Write(text => text.Replace($"{Module}{type}\n", $"ctorch.distributed._shard.sharded_tensor.metadata\n{type}\n", StringComparison.Ordinal));
        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void Parts_in_a_dictionary_or_a_set_are_refused()
    {
        var chunk = Instance("ChunkStorageMetadata", Text("offsets"), Ints(0), Text("sizes"), Ints(4));
        foreach (var chunks in (string[])["}" + chunk + "Ns", "\u008f(" + chunk + "\u0090", "N"])
        {
            Write(text => text.Replace("]" + chunk + "a", chunks, StringComparison.Ordinal));
            Refusal.Of(_folder.Path, CheckpointError.Malformed, "without a list of its parts");
        }

        Write(text => text.Replace("]" + chunk + "a", Tuple(chunk), StringComparison.Ordinal));
        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Entries.Should().ContainSingle();
    }

    [Fact]
    public void Sizes_in_a_set_are_refused()
    {
        Write(text => text.Replace(Text("size") + Ints(4), Text("size") + "\u008f(" + Int(4) + "\u0090", StringComparison.Ordinal));
        Refusal.Of(_folder.Path, CheckpointError.Malformed, "without a size that one can have");
    }

    [Theory]
    [InlineData("K\u0001")]
    [InlineData("cmy.code\nTransform\n)R")]
    public void Whatever_transformed_a_part_is_refused(string transform)
    {
        Write(text => text, Text("transform_descriptors") + transform);
        Refusal.Of(_folder.Path, CheckpointError.Unsupported, "that was transformed");
    }

    // What a value has in a set is listed nowhere, and a note says so.
    [Fact]
    public void What_is_odd_about_a_value_is_told()
    {
        var value = Part(Dict(Text("s"), "\u008f(" + Vector + "\u0090"));
        _folder.Write("a.distcp", value);
        WriteDistributed(_folder, Text("x") + Instance("BytesStorageMetadata"), Place("x", false, "a.distcp", 0, value.Length));

        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Notes.Should().ContainSingle().Which.Should().StartWith("in the value 'x', 1 storage that the pickle refers to holds no tensor that is listed");
    }

    public void Dispose() => _folder.Dispose();

    private void Write(Func<string, string> changed, string more = "") => WriteDistributed(
        _folder, Text("v") + changed(TensorMetadata(4)),
        changed(Index("v", isTensor: true) + Instance(
            "_StorageInfo", Text("relative_path"), Text("a.distcp"), Text("offset"), Int(0), Text("length"), Int(_part.Length), more)));
}
