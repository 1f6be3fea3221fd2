using System.Diagnostics;
using Loadline.Checkpoints;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>Files from strangers, given to the built command line: exit code 2, one line, little memory, and nothing hangs.</summary>
public sealed class HostileFileTests
{
    public static TheoryData<string> Files => [.. EvilFiles.All.Keys];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_hostile_file_is_refused_in_one_line_and_in_memory_that_its_length_justifies(string what)
    {
        var (make, says) = EvilFiles.All[what];
        using var folder = new TemporaryFolder();
        var path = folder["evil.bin"];
        var contents = make();
        await File.WriteAllBytesAsync(path, contents, TestContext.Current.CancellationToken);
        var heapBytes = 64 * ByteSize.MiB + 8L * contents.Length;

        ShouldRefuse(await LoadlineProcess.RunAsync(heapBytes, "inspect", path), path, says);
        ShouldRefuse(await LoadlineProcess.RunAsync(heapBytes, "load", path, "--strategy", "mmap-assign"), path, says);
        File.Exists("/tmp/loadline-was-here").Should().BeFalse();
    }

    public static TheoryData<string> SoundFiles => [.. EvilFiles.Sound.Keys];

    [Theory]
    [MemberData(nameof(SoundFiles))]
    public async Task What_only_looks_hostile_is_read_in_memory_that_its_length_justifies(string what)
    {
        var (make, command) = EvilFiles.Sound[what];
        using var folder = new TemporaryFolder();
        var path = folder.Write("odd.pth", make());

        var (exitCode, _, error) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB + 8 * new FileInfo(path).Length, command, path);
        exitCode.Should().Be(0, error);
    }

    public static TheoryData<string> Loads => [.. EvilLoads.All.Keys];

    [Theory]
    [MemberData(nameof(Loads))]
    public async Task What_opens_at_once_is_loaded_compared_and_mapped_in_work_and_memory_that_its_length_justifies(string what)
    {
        var (make, command, expected) = EvilLoads.All[what];
        using var folder = new TemporaryFolder();
        var path = folder["odd.pth"];
        var contents = make();
        await File.WriteAllBytesAsync(path, contents, TestContext.Current.CancellationToken);

        var (exitCode, _, error) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB + 8L * contents.Length, command.Replace("FILE", path, StringComparison.Ordinal).Split(' '));
        exitCode.Should().Be(expected, error);
        error.Count(c => c == '\n').Should().BeLessThan(2, "a refusal is one line");
    }

    [Theory]
    [InlineData("a pipe", "mkfifo evil", "is no regular file")]
    [InlineData("an endless device", "ln -s /dev/zero evil", "is empty")]
    [InlineData("a link to itself", "ln -s evil evil", "Too many levels of symbolic links")]
    [InlineData("a folder of links to itself", "mkdir evil && ln -s . evil/a && ln -s . evil/b", "is a folder without a checkpoint")]
    [InlineData("a folder with a pipe for a tensor", "mkdir evil && mkfifo evil/w.pt", "is no regular file")]
    [InlineData("a folder with a folder for a model", "mkdir -p evil/model.safetensors", "is a folder without a checkpoint")]
    [InlineData("nothing", "true", "there is no such file")]
    public async Task What_is_no_file_is_refused_at_once(string what, string make, string says)
    {
        what.Should().NotBeEmpty("it says what is wrong to whoever reads the test's name");
        using var folder = new TemporaryFolder();
        await ShellAsync(folder, make);
        var path = folder["evil"];

        ShouldRefuse(await LoadlineProcess.RunAsync(64 * ByteSize.MiB, "inspect", path), path, says);
        ShouldRefuse(await LoadlineProcess.RunAsync(64 * ByteSize.MiB, "load", path, "--strategy", "eager", "--verify", "digest"), path, says);
    }

    [Fact]
    public async Task A_folder_without_permission_is_refused()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root may read every folder");
        using var folder = new TemporaryFolder();
        await ShellAsync(folder, "mkdir -m 000 evil");
        var path = folder["evil"];

        ShouldRefuse(await LoadlineProcess.RunAsync(64 * ByteSize.MiB, "inspect", path), path, "cannot be listed");
        ShouldRefuse(await LoadlineProcess.RunAsync(64 * ByteSize.MiB, "load", path, "--strategy", "eager"), path, "cannot be listed");
        await ShellAsync(folder, "rmdir evil");
    }

    [Fact]
    public async Task Names_that_steer_the_terminal_are_escaped_in_tables_and_messages()
    {
        using var folder = new TemporaryFolder();
        var path = folder["m.safetensors"];
        var name = "a\n\u001b[31m\u009b\u202e\u2028b";
        using (var writer = CheckpointWriter.Create(
            path, CheckpointFormat.Safetensors, [new TensorDeclaration(name, DType.UInt8, [1])], new Dictionary<string, string> { [name] = name }))
        {
            writer.Write([7]);
            writer.Commit();
        }

        var (exitCode, table, _) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB, "inspect", path);
        exitCode.Should().Be(0);
        table.Should().Contain("a\\u000a\\u001b[31m\\u009b\\u202e\\u2028b").And.NotContainAny("\u001b", "\u009b", "\u202e", "\u2028");

        Digests.Write(path, new Dictionary<string, TensorDigest> { [name] = new("uint8", [1], new string('0', 64)) });
        var (failed, _, error) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB, "load", path, "--strategy", "eager", "--verify", "digest");
        failed.Should().Be(ExitCodes.VerificationFailed);
        error.TrimEnd('\n').Should().Contain("a\\u000a\\u001b[31m").And.NotContainAny("\n", "\u001b", "\u009b", "\u202e", "\u2028");
    }

    private static async Task ShellAsync(TemporaryFolder folder, string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", command]) { WorkingDirectory = folder.Path })!;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private static void ShouldRefuse((int ExitCode, string Out, string Error) run, string path, string says)
    {
        run.ExitCode.Should().Be(ExitCodes.Refused, run.Error);
        run.Out.Should().BeEmpty();
        run.Error.Should().StartWith($"loadline: {path}").And.Contain(says).And.EndWith("\n");
        run.Error.TrimEnd('\n').Should().NotContainAny("\n", "\r", "\u001b");
        run.Error.Length.Should().BeLessThan(2000, "a message is short");
    }
}
