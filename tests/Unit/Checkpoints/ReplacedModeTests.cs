using System.Diagnostics;
using System.Runtime.Versioning;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Unit.Checkpoints;

/// <summary>What only its owner may read stays so when it is written again, from the first byte on.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ReplacedModeTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ForGroup = Private | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode PrivateFolder = Private | UnixFileMode.UserExecute;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<CheckpointFormat, UnixFileMode> Files =>
        new(from format in WriterTests.Formats.Select(f => f.Data).Where(f => f is not (CheckpointFormat.PerTensor or CheckpointFormat.Sharded))
            from mode in (UnixFileMode[])[Private, ForGroup, UnixFileMode.UserRead, PrivateFolder | UnixFileMode.OtherRead]
            select (format, mode));

    [Theory]
    [MemberData(nameof(Files))]
    public void A_checkpoint_has_the_permissions_of_the_file_that_it_replaces(CheckpointFormat format, UnixFileMode mode)
    {
        Write("model", format);
        File.SetUnixFileMode(_folder["model"], mode);

        using (var writer = Begin("model", format))
        {
            File.GetUnixFileMode(_folder[_folder.Names.Single(name => name != "model")]).Should().Be(mode);
            writer.Write(new byte[16]);
            writer.Commit();
        }

        File.GetUnixFileMode(_folder["model"]).Should().Be(mode);
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void So_have_a_folder_and_its_files(CheckpointFormat format)
    {
        Write("model", format);
        File.SetUnixFileMode(_folder["model"], PrivateFolder);
        foreach (var file in Directory.GetFiles(_folder["model"])) File.SetUnixFileMode(file, ForGroup);
        File.SetUnixFileMode(Directory.GetFiles(_folder["model"])[0], Private);

        Write("model", format);

        File.GetUnixFileMode(_folder["model"]).Should().Be(PrivateFolder);
        Directory.GetFiles(_folder["model"]).Should().NotBeEmpty().And.OnlyContain(file => File.GetUnixFileMode(file) == Private);
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void So_has_a_folder_that_is_empty_yet(CheckpointFormat format)
    {
        Directory.CreateDirectory(_folder["model"], PrivateFolder);

        Write("model", format);

        File.GetUnixFileMode(_folder["model"]).Should().Be(PrivateFolder);
    }

    [Fact]
    public void The_group_that_may_read_is_the_same_one()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root gives files to any group");
        var path = _folder.Write("model", "old"u8);
        Run("chgrp", "1234", path);
        File.SetUnixFileMode(path, ForGroup);

        Write("model", CheckpointFormat.Pth);

        Run("stat", "-c", "%g %a", path).Should().Be("1234 660\n");
    }

    [Fact]
    public void So_has_any_other_file()
    {
        var path = _folder.Write("results.json", "old"u8);
        File.SetUnixFileMode(path, Private);

        WholeFile.Write(path, "new"u8);
        File.GetUnixFileMode(path).Should().Be(Private);

        WholeFile.Write(path, neededBytes: 5, stream => stream.Write("newer"u8));
        File.GetUnixFileMode(path).Should().Be(Private);
        File.ReadAllText(path).Should().Be("newer");
    }

    [Fact]
    public void A_new_file_and_one_that_takes_the_place_of_a_link_have_what_the_umask_says()
    {
        var usual = File.GetUnixFileMode(_folder.Write("usual", "x"u8));
        var open = _folder.Write("open-to-all", "x"u8);
        File.SetUnixFileMode(open, usual | UnixFileMode.OtherWrite);
        File.CreateSymbolicLink(_folder["link"], open);

        foreach (var name in (string[])["new", "link"])
        {
            WholeFile.Write(_folder[name], "new"u8);
            File.GetUnixFileMode(_folder[name]).Should().Be(usual, name);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.Should().Be(0);
        return output;
    }

    private void Write(string name, CheckpointFormat format)
    {
        using var writer = Begin(name, format);
        writer.Write(new byte[16]);
        writer.Commit();
    }

    private CheckpointWriter Begin(string name, CheckpointFormat format) =>
        CheckpointWriter.Create(_folder[name], format, [new TensorDeclaration("v", DType.Float32, [2]), new TensorDeclaration("w", DType.Float32, [2])]);
}
