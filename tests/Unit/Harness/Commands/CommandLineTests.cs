using Loadline.Harness.Runtimes;

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
    public async Task An_output_that_cannot_be_made_is_told_without_the_name_that_it_has_until_it_is_whole()
    {
        (await _loadline.RunAsync("report", Fixtures.Path("gpt2-tiny.pth"), "--results", "/proc/x.json")).Should().Be(3);

        _loadline.Error.Should().Be("loadline: /proc/x.json: cannot be written: no file can be made in /proc: choose another folder\n");
    }
}
