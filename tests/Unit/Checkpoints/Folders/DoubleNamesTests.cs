using Loadline.Checkpoints;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Folders.TinyFolders;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Two tensors of one name are one in every model: whoever loads both would free the first while it is filled.</summary>
public sealed class DoubleNamesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_value_that_holds_a_tensor_by_another_tensors_name_is_refused()
    {
        var (tensor, value) = (Part(Vector), Part(Dict(Text("b"), Vector)));
        _folder.Write("__0_0.distcp", [.. tensor, .. value]);
        WriteDistributed(
            _folder, Text("a.b") + TensorMetadata(4) + Text("a") + Instance("BytesStorageMetadata"),
            Place("a.b", isTensor: true, "__0_0.distcp", 0, tensor.Length) + Place("a", isTensor: false, "__0_0.distcp", tensor.Length, value.Length));

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "tensor 'a.b' stands in the checkpoint twice");
    }

    [Theory]
    [InlineData("w", "stands in the checkpoint twice")]
    [InlineData("state_dict", "'state_dict' stands in the checkpoint twice")]
    public void A_key_that_comes_twice_is_refused_whatever_it_holds(string key, string problem)
    {
        var value = key == "w" ? Vector : Dict(Text("w"), Vector);
        Refusal.Of(TinyArchive.Of(Dict(Text(key), value, Text("epoch"), Int(1), Text(key), value)), CheckpointError.Malformed, problem);
    }

    [Fact]
    public void As_is_a_number_but_not_a_number_and_its_text() => Refusal.Of(
        TinyArchive.Of(Dict(Text("s"), Dict(Int(1), Vector, Text("1"), Vector, Int(1), Int(0)))), CheckpointError.Malformed, "tensor 's.1' stands in the checkpoint twice");

    [Fact]
    public void A_parameter_that_has_two_shapes_is_refused()
    {
        WriteZero(_folder, Text("param_shapes") + "]" + Dict(Text("w"), Ints(2), Text("w"), Ints(2)) + "a");

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "tensor 'w' stands in the checkpoint twice");
    }

    [Fact]
    public void A_tie_takes_the_place_of_what_has_its_name()
    {
        WriteZero(
            _folder, Text("param_shapes") + "]" + Dict(Text("w"), Ints(2), Text("v"), Ints(2)) + "a" + Text("shared_params") + Dict(Text("v"), Text("w"), Text("u"), Text("v")));
        using var checkpoint = Checkpoint.Open(_folder.Path);

        checkpoint.Entries.Select(e => e.Name).Should().Equal("w", "v", "u");
        checkpoint.Storages.Should().ContainSingle();
    }
}
