using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class FolderTests
{
    [Theory]
    [InlineData("gpt2-tiny.safetensors", "model.safetensors", CheckpointFormat.Safetensors)]
    [InlineData("gpt2-tiny.pth", "pytorch_model.bin", CheckpointFormat.Pth)]
    [InlineData("gpt2-tiny-legacy.pth", "weights.pth", CheckpointFormat.Legacy)]
    public void A_folder_with_a_lone_model_file_opens_by_its_own_name(string fixture, string name, CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        folder.Write(name, File.ReadAllBytes(Fixtures.Path(fixture)));
        folder.Write("config.json", "{}"u8);
        folder.Write("training_args.bin", "x"u8);

        using var checkpoint = Checkpoint.Open(folder.Path);

        (checkpoint.Path, checkpoint.Format).Should().Be((folder.Path, format));
        checkpoint.Files.Should().Equal(folder[name]);
    }

    [Fact]
    public void What_is_wrong_with_the_lone_file_is_told_by_its_name()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.safetensors", "x"u8);

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage(folder["model.safetensors"] + ": *");
    }

    [Fact]
    public void Several_checkpoints_are_listed_and_none_is_chosen()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["model.safetensors", "consolidated.00.pth", "pytorch_model.bin.index.json"]) folder.Write(name, "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "name one of consolidated.00.pth, model.safetensors, pytorch_model.bin.index.json");
    }

    [Fact]
    public void A_model_file_among_pt_files_is_not_chosen()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["model.safetensors", "optimizer.pt"]) folder.Write(name, "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "model.safetensors and 1 .pt files");
    }

    [Fact]
    public void A_folder_without_a_checkpoint_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("README.md", "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "folder without a checkpoint");
    }
}
