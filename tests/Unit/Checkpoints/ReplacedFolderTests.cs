using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

/// <summary>A folder that a new one replaces is looked at again at the end: what somebody put there meanwhile stays.</summary>
public sealed class ReplacedFolderTests
{
    [Theory]
    [InlineData(CheckpointFormat.PerTensor, "thesis.txt")]
    [InlineData(CheckpointFormat.PerTensor, "adapter.pt")]
    [InlineData(CheckpointFormat.Sharded, "thesis.txt")]
    [InlineData(CheckpointFormat.Sharded, "adapter.safetensors")]
    public void What_was_put_into_it_while_the_new_one_was_written_stays(CheckpointFormat format, string name)
    {
        using var folder = new TemporaryFolder();
        Write(folder["out"], format, whileOpen: () => { });
        var before = Directory.GetFiles(folder["out"]);

        FluentActions.Invoking(() => Write(folder["out"], format, whileOpen: () => File.WriteAllText(Path.Combine(folder["out"], name), "a year of work")))
            .Should().Throw<IOException>().WithMessage($"*is not replaced*{name}*");

        File.ReadAllText(Path.Combine(folder["out"], name)).Should().Be("a year of work");
        Directory.GetFiles(folder["out"]).Should().Contain(before);
        folder.Names.Should().Equal("out");
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void A_file_that_is_called_as_the_mark_is_and_is_none_stays(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        Write(folder["out"], format, whileOpen: () => { });

        FluentActions.Invoking(() => Write(folder["out"], format, whileOpen: () => File.WriteAllText(Path.Combine(folder["out"], ".unfinished"), "somebody's work")))
            .Should().Throw<IOException>().WithMessage("*is not replaced*.unfinished*");

        File.ReadAllText(Path.Combine(folder["out"], ".unfinished")).Should().Be("somebody's work");
        folder.Names.Should().Equal("out");
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void One_that_was_made_anew_meanwhile_stays(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder(onDisk: true);
        Write(folder["out"], format, whileOpen: () => { });
        var name = Path.GetFileName(Directory.GetFiles(folder["out"])[0]);

        FluentActions.Invoking(() => Write(folder["out"], format, whileOpen: () =>
        {
            // A file system gives its number again.
            Directory.Delete(folder["out"], recursive: true);
            Directory.CreateDirectory(folder["out"]);
            File.WriteAllText(Path.Combine(folder["out"], name), "mine");
        })).Should().Throw<IOException>().WithMessage("*another folder took its name*");

        File.ReadAllText(Path.Combine(folder["out"], name)).Should().Be("mine");
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void Another_folder_that_took_its_name_meanwhile_stays(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["out", "other"]) Write(folder[name], format, whileOpen: () => { });
        var files = Directory.GetFiles(folder["out"]).Order().Select(File.ReadAllBytes).ToList();

        FluentActions.Invoking(() => Write(folder["out"], format, whileOpen: () =>
        {
            Directory.Move(folder["out"], folder["moved"]);
            Directory.Move(folder["other"], folder["out"]);
        })).Should().Throw<IOException>().WithMessage("*another folder took its name*");

        foreach (var name in (string[])["out", "moved"]) Directory.GetFiles(folder[name]).Order().Select(File.ReadAllBytes).Should().BeEquivalentTo(files);
        folder.Names.Should().BeEquivalentTo("out", "moved");
    }

    [Fact]
    public void Digests_go_with_what_they_describe_and_no_earlier()
    {
        using var folder = new TemporaryFolder();
        Write(folder["out"], CheckpointFormat.PerTensor, whileOpen: () => { });
        Digests.Write(folder["out"], new Dictionary<string, TensorDigest> { ["w"] = new("float32", [4], new string('0', 64)) });

        FluentActions.Invoking(() => Write(folder["out"], CheckpointFormat.PerTensor, whileOpen: () => File.WriteAllText(Path.Combine(folder["out"], "thesis.txt"), "")))
            .Should().Throw<IOException>();
        Digests.Find(folder["out"]).Should().ContainKey("w");

        File.Delete(Path.Combine(folder["out"], "thesis.txt"));
        Write(folder["out"], CheckpointFormat.PerTensor, whileOpen: () => { });
        Digests.Find(folder["out"]).Should().BeNull();
    }

    private static void Write(string path, CheckpointFormat format, Action whileOpen)
    {
        using var writer = CheckpointWriter.Create(path, format, [new TensorDeclaration("w", DType.Float32, [4])]);
        whileOpen();
        writer.Write(new byte[16]);
        writer.Commit();
    }
}
