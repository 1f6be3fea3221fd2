using System.Security.Cryptography;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class FixtureTests
{
    [Theory]
    [MemberData(nameof(Fixtures.OfOthers), MemberType = typeof(Fixtures))]
    public void What_other_programs_leave_opens_with_every_tensor_and_says_which_cannot_be_loaded(string fixture)
    {
        Every_tensor_of_a_fixture_has_the_name_dtype_shape_and_bytes_that_PyTorch_says(fixture);
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        checkpoint.Unloadable.Select(u => u.Name).Should().Equal(Fixtures.Unloadable(fixture));
    }

    [Theory]
    [MemberData(nameof(Fixtures.Readable), MemberType = typeof(Fixtures))]
    public void Every_tensor_of_a_fixture_has_the_name_dtype_shape_and_bytes_that_PyTorch_says(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        var expected = Fixtures.Expected(fixture);

        checkpoint.Entries.Select(e => e.Name).Should().BeEquivalentTo(expected.Keys);
        foreach (var entry in checkpoint.Entries)
        {
            var (dtype, shape, sha256) = expected[entry.Name];
            entry.DType.Name.Should().Be(dtype, entry.Name);
            entry.Shape.Should().Equal(shape, entry.Name);
            Convert.ToHexStringLower(SHA256.HashData(NaiveBytes.Read(checkpoint, entry))).Should().Be(sha256, entry.Name);
            if (entry.Storage.IsMappable) NaiveBytes.ReadMapped(entry).Should().Equal(NaiveBytes.Read(checkpoint, entry), entry.Name);
        }
    }

    [Fact]
    public void Tied_tensors_and_views_share_one_storage()
    {
        using var tied = Checkpoint.Open(Fixtures.Path("tied.pth"));
        using var views = Checkpoint.Open(Fixtures.Path("views.pth"));

        tied.Storages.Should().ContainSingle();
        tied.StorageBytes.Should().Be(60);
        tied.Entries.Should().OnlyContain(e => ReferenceEquals(e.Storage, tied.Storages[0]) && e.CoversStorage);
        views.Entries.Where(e => e.Storage == views.Entries[0].Storage).Select(e => e.Name)
            .Should().Equal("base", "rows", "columns", "transposed", "strided");
        views.Storages.Should().HaveCount(2);
    }

    [Fact]
    public void A_training_checkpoint_gives_dotted_tensors_and_everything_else_as_metadata()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("training.pth"));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("model.w", "optimizer.state.0.exp_avg");
        checkpoint.Metadata.Should().BeEquivalentTo(new Dictionary<string, string>
        {
            ["epoch"] = "3",
            ["config.lr"] = "0.001",
            ["config.note"] = "ünï ✓",
            ["optimizer.param_groups.0.lr"] = "0.1",
            ["optimizer.param_groups.0.betas.0"] = "0.9",
            ["optimizer.param_groups.0.betas.1"] = "0.999",
        });
    }

    [Theory]
    [InlineData("odd/values2.pth")]
    [InlineData("odd/values4.pth")]
    [InlineData("odd/values5.pth")]
    public void Plain_values_of_every_kind_are_metadata_in_every_protocol(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));

        checkpoint.Metadata.Should().Equal(new Dictionary<string, string>
        {
            ["set"] = "{1}",
            ["bytes"] = "(3 bytes)",
            ["bytearray"] = "(1 bytes)",
            ["big"] = "1208925819614629174706176",
            ["negative"] = "-5",
            ["complex"] = "(1.0-2.0j)",
            ["device"] = "cuda:1",
            ["dtype"] = "torch.bfloat16",
            ["size.0"] = "1",
            ["size.1"] = "2",
            ["layout"] = "torch.strided",
            ["counter.a"] = "2",
            ["counter.b"] = "1",
            ["none"] = "None",
            ["true"] = "True",
            ["nan"] = "nan",
            ["float"] = "1e-05",
            ["empty.0"] = "[]",
            ["empty.1"] = "()",
            ["empty.2"] = "{}",
            ["long"] = "(2000 values)",
            ["5"] = "integer key",
            ["(1, x)"] = "tuple key",
        });
    }

    [Fact]
    public void A_checkpoint_that_contains_itself_is_walked_once()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/self-reference.pth"));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("w", "list.0");
        checkpoint.Metadata.Should().Equal(new Dictionary<string, string> { ["list.1"] = "(contains itself)", ["self"] = "(contains itself)" });
    }

    [Fact]
    public void A_safetensors_file_keeps_its_metadata()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));
        checkpoint.Metadata.Should().Equal(new Dictionary<string, string> { ["format"] = "pt" });
    }

    [Fact]
    public void A_folder_of_one_file_per_tensor_is_sorted_by_name()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny-parameters"));

        checkpoint.Format.Should().Be(CheckpointFormat.PerTensor);
        checkpoint.Entries.Select(e => e.Name).Should().HaveCount(56).And.BeInAscendingOrder(StringComparer.Ordinal);
        checkpoint.Files.Should().HaveCount(56);
    }
}
