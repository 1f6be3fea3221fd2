using System.Diagnostics;
using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class FormatDetectionTests
{
    [Theory]
    [InlineData("", CheckpointError.UnknownFormat, "is empty")]
    [InlineData("hello, I am a README\n", CheckpointError.UnknownFormat, "text file")]
    [InlineData("weights: ünï ✓", CheckpointError.UnknownFormat, "text file")]
    [InlineData("<!DOCTYPE html><html>", CheckpointError.UnknownFormat, "HTML page")]
    [InlineData("\n  <html lang=en>", CheckpointError.UnknownFormat, "HTML page")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", CheckpointError.UnknownFormat, "git lfs pull")]
    [InlineData("GGUF\u0003\0\0\0", CheckpointError.Unsupported, "GGUF")]
    [InlineData("\0\u0001\u0002\u0003", CheckpointError.UnknownFormat, "starts with 00010203")]
    public void A_file_that_is_no_checkpoint_is_named_for_what_it_is(string contents, CheckpointError error, string says) =>
        Refusal.Of(Encoding.UTF8.GetBytes(contents), error, says);

    [Theory]
    [InlineData(new byte[] { 0x80, 4, 0x4e, 0x2e }, "bare pickle")]
    [InlineData(new byte[] { 0x1f, 0x8b, 8, 0 }, "decompress")]
    [InlineData(new byte[] { 0x89, 0x48, 0x44, 0x46 }, "HDF5")]
    public void A_format_that_is_not_read_is_refused_with_what_to_do(byte[] contents, string says) => Refusal.Of(contents, CheckpointError.Unsupported, says);

    [Fact]
    public void A_tar_archive_is_refused()
    {
        var tar = new byte[512];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Refusal.Of(tar, CheckpointError.Unsupported, "tar archive");
    }

    [Theory]
    [InlineData("missing.pth")]
    [InlineData("missing/folder/model.pth")]
    public void A_path_that_leads_nowhere_is_refused(string name)
    {
        using var folder = new TemporaryFolder();
        Refusal.Of(folder[name], CheckpointError.NotFound, "there is no such file or folder");
    }

    [Fact]
    public void A_path_through_a_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        Refusal.Of(folder.Write("file", "x"u8) + "/model.pth", CheckpointError.NotFound);
    }

    [Fact]
    public void A_named_pipe_is_refused_without_waiting_for_a_writer()
    {
        using var folder = new TemporaryFolder();
        using (var mkfifo = Process.Start("mkfifo", folder["pipe"])) mkfifo.WaitForExit();
        Refusal.Of(folder["pipe"], CheckpointError.Unreadable, "no regular file");
    }

    [Fact]
    public void The_extension_plays_no_part()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("tied.pth"), folder["weights.safetensors"]);
        File.Copy(Fixtures.Path("gpt2-tiny.safetensors"), folder["weights.pth"]);

        using var pth = Checkpoint.Open(folder["weights.safetensors"]);
        using var safetensors = Checkpoint.Open(folder["weights.pth"]);
        pth.Format.Should().Be(CheckpointFormat.Pth);
        safetensors.Format.Should().Be(CheckpointFormat.Safetensors);
    }
}
