using System.CommandLine;
using Loadline.Harness.Runtimes;
using Loadline.Unit.Harness.Hostile;

namespace Loadline.Unit.Harness.Commands;

/// <summary>What becomes of what goes wrong.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task A_bug_is_exit_code_3_with_a_stack_trace_because_1_says_that_a_budget_was_missed()
    {
        _loadline.OpenRuntime = _ => throw new InvalidCastException("of our own");
        var path = _loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));

        (await _loadline.RunAsync("load", path, "--strategy", "eager", "--device", "cpu", "--cap", "64MiB")).Should().Be(3);

        _loadline.Error.Should().StartWith("loadline: internal error: System.InvalidCastException: of our own").And.Contain("   at Loadline.");
    }

    [Fact]
    public async Task A_machine_that_fails_is_exit_code_3_in_one_line()
    {
        _loadline.OpenRuntime = _ => throw new RuntimeException("docker: gone");
        var path = _loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));

        (await _loadline.RunAsync("load", path, "--strategy", "eager", "--device", "cpu", "--cap", "64MiB")).Should().Be(3);

        _loadline.Error.Should().Be("loadline: docker: gone\n");
    }

    [Fact]
    public async Task A_current_folder_that_is_gone_is_said_to_be()
    {
        var folder = _loadline.Folder["gone"];
        Directory.CreateDirectory(folder);

        var (exitCode, _, error) = await LoadlineProcess.RunAfterAsync($"cd '{folder}' && rmdir '{folder}'", "run", "--cap", "64MiB", "--", "ls");

        exitCode.Should().Be(3, error);
        error.Should().Be("loadline: the current folder is gone, or another has its name by now: change into one that is there\n");
    }

    [Fact]
    public async Task An_output_that_cannot_be_made_is_told_without_the_name_that_it_has_until_it_is_whole()
    {
        (await _loadline.RunAsync("report", Fixtures.Path("gpt2-tiny.pth"), "--results", "/proc/x.json")).Should().Be(3);

        _loadline.Error.Should().Be("loadline: /proc/x.json: cannot be written: no file can be made in /proc: choose another folder\n");
    }

    // A variable of a shell that is not set and not quoted leaves nothing at all.
    [Fact]
    public async Task Every_option_without_its_value_and_with_an_empty_one_is_refused_in_one_line()
    {
        using var loadline = new FakeHarness();
        var root = loadline.Commands;
        var tried = 0;
        foreach (var command in Flat(root).Where(c => c.Subcommands.Count == 0))
        {
            string[] words = [.. Path(command), .. command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > 0).Select(_ => Fixtures.Path("gpt2-tiny.pth"))];
            // With what comes instead of an argument that may be left out, too: then there is more to check.
            string[][] more = command.Arguments.Any(a => a.Arity.MinimumNumberOfValues == 0) ? [[], [Fixtures.Path("gpt2-tiny.pth"), "--strategy", "eager"], ["--cap", "1GiB"]] : [[]];
            foreach (var option in command.Options.Where(o => !o.Hidden && o.Arity.MinimumNumberOfValues > 0))
            {
                foreach (string[] value in (string[][])[[], [""]])
                {
                    if (value.Length > 0 && option.Name == "--filter") continue;
                    foreach (var others in more.Where(words => !words.Contains(option.Name)))
                    {
                        var code = await loadline.RunAsync([.. words, .. others, option.Name, .. value]);
                        code.Should().Be(2, $"{string.Join(' ', words)} {string.Join(' ', others)} {option.Name} '{string.Join(' ', value)}' is no sentence");
                        tried++;
                    }
                }
            }
        }

        tried.Should().BeGreaterThan(200);
        loadline.Error.Should().NotContain("internal error");
        loadline.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().OnlyContain(line => line.StartsWith("loadline: ", StringComparison.Ordinal));

        static IEnumerable<Command> Flat(Command command) => command.Subcommands.SelectMany(Flat).Prepend(command);

        static IEnumerable<string> Path(Command command) =>
            command.Parents.OfType<Command>().FirstOrDefault() is { } parent && parent is not RootCommand ? [.. Path(parent), command.Name] : [command.Name];
    }

    // A command's own checks come first, and ask for values that are wrong or not there.
    [Theory]
    [InlineData("--cap 'abc' is not a size", "run", "--cap", "abc", "--high", "1GiB", "--", "ls")]
    [InlineData("--high 'abc' is not a size", "run", "--cap", "1GiB", "--high", "abc", "--", "ls")]
    [InlineData("missing for option: '--image'", "run", "--cap", "1GiB", "--high", "1MiB", "--image", "--", "ls")]
    [InlineData("--passes 'abc' is not a number", "floor", "w.pth", "--strategy", "eager", "--passes", "abc")]
    [InlineData("missing for option: '--passes'", "floor", "w.pth", "--strategy", "eager", "--passes")]
    [InlineData("unknown format 'zzz'", "convert", "a", "b", "--shard-size", "1GiB", "--format", "zzz")]
    [InlineData("missing for option: '--format'", "convert", "a", "b", "--shard-size", "1GiB", "--format")]
    [InlineData("a path is empty: is a variable not set?", "run", "", "--cap", "2GiB")]
    [InlineData("a path is empty: is a variable not set?", "floor", "", "--strategy", "eager")]
    [InlineData("a path is empty: is a variable not set?", "curve", "")]
    public async Task A_value_that_is_wrong_or_not_there_is_refused_in_one_line_whatever_else_is_checked(string says, params string[] line)
    {
        (await _loadline.RunAsync(line)).Should().Be(2);

        _loadline.Error.Should().StartWith("loadline: ").And.Contain(says).And.EndWith("--help`\n");
        _loadline.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().ContainSingle();
    }
}
