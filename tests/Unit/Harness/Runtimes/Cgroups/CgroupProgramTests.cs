using System.Diagnostics;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Unit.Harness.Hostile;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

/// <summary>
/// What a program of somebody's finds in a cgroup: what it would find in a shell. Variables are set for all of this process, and a shell of another test might stop at one.
/// </summary>
[Collection(nameof(Alone))]
public sealed class CgroupProgramTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    // Shells keep some for themselves, and do not hand on another's functions; and one that they assign to is changed for whoever they start.
    [Theory]
    [InlineData("name", "mine")]
    [InlineData("code", "7")]
    [InlineData("BASH_FUNC_hi%%", "() {  echo hi; }")]
    [InlineData("OPTIND", "abc")]
    [InlineData("IFS", ",")]
    public async Task Variables_are_the_callers(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        try
        {
            (await RunAsync("env")).Should().Contain($"{name}={value}");
        }
        finally
        {
            Environment.SetEnvironmentVariable(name, null);
        }
    }

    // Whoever opens a pipe and closes it has what its writer wrote, or ends the writer.
    [Fact]
    public async Task A_pipe_on_the_command_line_is_the_programs_alone()
    {
        var pipe = _folder["pipe"];
        using (var make = Process.Start("mkfifo", [pipe])) await make.WaitForExitAsync(Cancellation);
        using var writer = Process.Start("sh", ["-c", "echo hello > \"$0\"", pipe]);

        (await RunAsync("cat", pipe)).Should().Equal("hello");

        await writer.WaitForExitAsync(Cancellation);
        writer.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task A_file_that_may_not_be_executed_is_passed_over_on_the_way_to_one_that_may()
    {
        var path = Environment.GetEnvironmentVariable("PATH");
        var (first, second) = (Directory.CreateDirectory(_folder["first"]).FullName, Directory.CreateDirectory(_folder["second"]).FullName);
        File.WriteAllText(Path.Combine(first, "loadline-say"), "junk");
        File.WriteAllText(Path.Combine(second, "loadline-say"), "#!/bin/sh\necho said\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(second, "loadline-say"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{path}:{first}:{second}");
        try
        {
            (await RunAsync("loadline-say")).Should().Equal("said");
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }

    [Fact]
    public async Task A_path_that_begins_as_an_option_does_is_a_path()
    {
        (await RunAsync("true")).Should().BeEmpty();
        Directory.CreateDirectory(_folder["-d"]);
        var file = _folder["-d/say"];
        File.WriteAllText(file, "#!/bin/sh\necho said\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var (exitCode, lines, error) = await LoadlineProcess.RunAfterAsync($"cd '{_folder.Path}'", "run", "--runtime", "cgroup", "--cap", "64MiB", "--", "-d/say");

        (exitCode, lines.Split('\n')[0]).Should().Be((0, "said"), error);
    }

    [Fact]
    public void A_word_that_would_reach_the_program_as_another_is_refused() =>
        Program("ls", "f\ufffd.txt").WhyNot("auto").Should().StartWith("the word 'f\ufffd.txt' has bytes that are no UTF-8");

    // Of those that a caller has open, shells can name 3 to 9: a shell of ours takes others.
    [Theory]
    [InlineData("exec 3<words", "cat <&3", "read")]
    [InlineData("exec 3<words 4<words 5<words", "cat <&4", "read")]
    [InlineData("exec 4<words 5<words 6<words 7<words 8<words", "cat <&8", "read")]
    [InlineData("trap '' CHLD", "echo told", "told")]
    public async Task What_the_caller_has_open_or_ignores_is_no_matter_of_the_harness(string before, string program, string output)
    {
        (await RunAsync("true")).Should().BeEmpty();
        File.WriteAllText(_folder["words"], "read");

        var (exitCode, lines, error) = await LoadlineProcess.RunAfterAsync($"cd '{_folder.Path}'; {before}", "run", "--runtime", "cgroup", "--cap", "64MiB", "--", "sh", "-c", program);

        (exitCode, lines.Split('\n')[0]).Should().Be((0, output), error);
    }

    private static OtherProgram Program(params string[] command) => new() { Command = command, Timeout = TimeSpan.FromMinutes(1) };

    private static async Task<List<string>> RunAsync(params string[] command)
    {
        await using var runtime = await RealRuntime.OrSkipAsync("cgroup", () => CgroupRuntime.StartAsync("/no/worker", Cancellation));
        var lines = new List<string>();
        await Program(command).RunAsync(runtime, 64 * ByteSize.MiB, lines.Add, cancellation: Cancellation);
        return lines;
    }
}
