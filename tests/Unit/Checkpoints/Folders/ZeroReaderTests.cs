using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Folders of DeepSpeed's ZeRO.</summary>
public sealed class ZeroReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("zero-1", "1")]
    [InlineData("zero-2", "2")]
    [InlineData("zero-3", "3")]
    public void The_stage_is_metadata_and_ties_share(string name, string stage)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("folders/" + name));

        (checkpoint.Format, checkpoint.Metadata["zero_stage"]).Should().Be((CheckpointFormat.Zero, stage));
        checkpoint.TryFind("head.weight", out var head).Should().BeTrue();
        checkpoint.TryFind("tok.weight", out var embedding).Should().BeTrue();
        head!.Storage.Should().BeSameAs(embedding!.Storage);
    }

    [Fact]
    public void The_folder_above_opens_at_its_latest_save()
    {
        Directory.CreateDirectory(_folder["global_step7"]);
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/zero-2"))) File.WriteAllBytes(Path.Combine(_folder["global_step7"], Path.GetFileName(file)), File.ReadAllBytes(file));
        _folder.Write("latest", "global_step7\n"u8);

        using var checkpoint = Checkpoint.Open(_folder.Path);
        (checkpoint.Path, checkpoint.Format).Should().Be((_folder.Path, CheckpointFormat.Zero));

        _folder.Write("latest", "../x"u8);
        Refusal.Of(_folder.Path, CheckpointError.NotFound, "names '../x', which is no folder in it");
    }

    [Fact]
    public void A_rank_that_is_missing_is_told()
    {
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/zero-2")).Where(f => !f.Contains("rank_3_"))) _folder.CopyOf(file);

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "has 3 files *_optim_states.pt, but the weights are divided over 4: copy the files of all ranks");
    }
}
