using System.Security.Cryptography;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Folders as training and the hub leave them, made with real PyTorch, in tests/Fixtures/folders.</summary>
public sealed class FolderFixtureTests
{
    public static TheoryData<string> All => Fixtures.Folders;

    [Theory]
    [MemberData(nameof(All))]
    public void A_folder_holds_just_the_tensors_that_PyTorch_says(string name)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(name));
        var expected = Fixtures.Expected(name);

        checkpoint.Entries.Select(e => e.Name).Should().BeEquivalentTo(expected.Keys);
        foreach (var entry in checkpoint.Entries)
        {
            var (dtype, shape, sha256) = expected[entry.Name];
            entry.DType.Name.Should().Be(dtype, entry.Name);
            entry.Shape.Should().Equal(shape, entry.Name);
            Convert.ToHexStringLower(SHA256.HashData(NaiveBytes.Read(checkpoint, entry))).Should().Be(sha256, entry.Name);
        }
    }

    [Theory]
    [InlineData("sharded-dup-stale", "shard 'model-00002-of-00002.safetensors' holds 'model.a.bias', which the index does not say: left out")]
    [InlineData("sharded-extra-in-shard", "shard 'model-00001-of-00002.safetensors' holds 'model.a.bias', which the index does not say: left out")]
    public void Shards_that_hold_more_than_the_index_says_are_told(string name, string note)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("folders/" + name));

        checkpoint.Notes.Should().Equal(note);
    }

    [Fact]
    public void A_tensor_that_no_shard_has_is_named_with_the_index()
    {
        var index = Fixtures.Path("folders/sharded-missing-in-shard/model.safetensors.index.json");

        Refusal.Of(index, CheckpointError.Malformed, "tensor 'model.rotary.inv_freq' is not in shard 'model-00001-of-00002.safetensors'", "download both again");
        FluentActions.Invoking(() => Checkpoint.Open(Path.GetDirectoryName(index)!)).Should().Throw<CheckpointException>().WithMessage(index + ": *");
    }

    [Theory]
    [InlineData("folders/unzipped-pth/model")]
    [InlineData("folders/unzipped-pth/model/archive")]
    public void An_unpacked_archive_says_how_to_pack_it(string name) =>
        Refusal.Of(Fixtures.Path(name), CheckpointError.Unsupported, "is an unpacked archive of torch.save", "zip -0 -r model.pth archive");

    [Fact]
    public void No_command_is_given_of_which_the_message_would_leave_out_the_middle()
    {
        using var folder = new TemporaryFolder();
        var name = new string('\'', 94) + " ;touch x #" + new string('\'', 119);
        Directory.CreateDirectory(folder[name]);
        File.WriteAllBytes(Path.Combine(folder[name], "data.pkl"), []);

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().Which.Message.Should().EndWith("pack it again without compression");
    }

    [Theory]
    [InlineData("$(touch x)", "model.pth '$(touch x)')")]
    [InlineData("it's", @"model.pth 'it'\''s')")]
    [InlineData("-TT x", "model.pth './-TT x')")]
    public void A_name_stands_as_one_word_in_a_command_to_copy(string name, string says)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder[name]);
        File.WriteAllBytes(Path.Combine(folder[name], "data.pkl"), []);

        Refusal.Of(folder.Path, CheckpointError.Unsupported, says);
    }
}
