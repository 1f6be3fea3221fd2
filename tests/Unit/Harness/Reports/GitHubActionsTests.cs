using Loadline.Harness.Reports;

namespace Loadline.Unit.Harness.Reports;

public sealed class GitHubActionsTests : IDisposable
{
    private const string Budgets = """
        {
          "checkpoints": { "m": { "model": "gpt2-medium" } },
          "cases": [
            { "name": "mmap: small, and fast", "checkpoint": "m", "strategy": "mmap-assign", "device": "cpu", "cap": "64MiB", "expect": "loaded",
              "peakAnonymous": "54MiB", "peakHost": "0B", "why": "pages are reclaimable" }
          ]
        }
        """;

    private readonly FakeHarness _loadline = new(_ => FakeEnd.Loaded(64, hostBytes: 9 << 20) with { ErrorLines = ["::error::of the program"] });

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task Each_missed_budget_is_one_annotation_at_its_line()
    {
        (await RunAsync()).Should().Be(1);

        _loadline.Out.Split('\n').Where(l => l.StartsWith("::error")).Should().Equal(
            "::error file=budgets.json,line=4,title=mmap%3A small%2C and fast::'mmap: small, and fast': mmap-assign of m on cpu was limited to 54 MiB of anonymous memory but peaked at 64 MiB, 10 MiB over, in phase read",
            "::error file=budgets.json,line=4,title=mmap%3A small%2C and fast::'mmap: small, and fast': mmap-assign of m on cpu was limited to 0 B of host memory by the engine's count but peaked at 9 MiB, 9 MiB over, in phase read");
    }

    [Fact]
    public void Of_many_annotations_and_of_long_ones_the_beginning_is_written()
    {
        using var log = new StringWriter();
        var actions = new GitHubActions(log, "/dev/null", "/");
        for (var i = 0; i < 200; i++) actions.Annotate(null, 0, new string('t', 100_000), new string('%', 100_000));

        log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(50).And.OnlyContain(line => line.Length < 20_000);
    }

    [Fact]
    public async Task The_programs_output_cannot_command_the_runner()
    {
        await RunAsync();

        _loadline.Out.Should().Contain("the last lines of its output:").And.Contain("\\u003a:error::of the program").And.NotContain("\n  ::error::of the program");
    }

    [Fact]
    public async Task The_summary_goes_to_the_job_by_itself()
    {
        await RunAsync();

        File.ReadAllText(_loadline.Summary).Should().StartWith("### 0 of 1 as expected").And.Contain("| ❌ | mmap: small, and fast | loaded | loaded | 64 MiB | 64 | 54 | -10 |");
        _loadline.Out.Should().NotContain("| ❌ |");
    }

    [Fact]
    public void A_pipe_in_the_place_of_the_summary_is_no_summary_and_nobody_waits()
    {
        using var folder = new TemporaryFolder();
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", folder["pipe"])) mkfifo.WaitForExit();

        using var log = new StringWriter();

        new GitHubActions(log, folder["pipe"], folder.Path).Summarise(_ => "x");

        log.ToString().Should().Be("no summary: GITHUB_STEP_SUMMARY is no regular file (a pipe or a device)\n");
    }

    // The verdict and its annotations come all the same; who asked for nothing else is told.
    [Theory]
    [InlineData(".")]
    [InlineData("gone/summary.md")]
    public void A_summary_that_cannot_be_written_is_a_line(string name)
    {
        using var folder = new TemporaryFolder();
        using var log = new StringWriter();
        var actions = new GitHubActions(log, folder[name], folder.Path);

        actions.Summarise(_ => "x");
        log.ToString().Should().StartWith("no summary: GITHUB_STEP_SUMMARY cannot be written: ").And.EndWith("\n");
        actions.Invoking(a => a.Summarise(_ => "x", isSideline: false)).Should().Throw<Exception>().Which.Should().Match(e => e is IOException || e is UnauthorizedAccessException);
    }

    [Fact]
    public void All_summaries_of_a_step_stay_within_what_GitHub_takes()
    {
        using var folder = new TemporaryFolder();
        var actions = new GitHubActions(TextWriter.Null, folder["summary.md"], folder.Path);
        var blocks = Enumerable.Repeat(new string('x', 1000), 700).ToList();

        for (var i = 0; i < 3; i++) actions.Summarise(max => Markdown.Join(blocks, max));

        new FileInfo(folder["summary.md"]).Length.Should().BeInRange(1_000_000, GitHubActions.MaxSummaryBytes);
    }

    [Fact]
    public void Line_breaks_and_percent_signs_in_a_message_are_escaped()
    {
        var log = new StringWriter { NewLine = "\n" };

        new GitHubActions(log, "unused", "/").Annotate(file: null, line: 0, "100 %", "a\r\nb: 5 %, c");

        log.ToString().Should().Be("::error title=100 %25::a%0D%0Ab: 5 %25, c\n");
    }

    private Task<int> RunAsync()
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], Budgets);
        _loadline.InActions = true;
        return _loadline.RunAsync("run", "--budgets", _loadline.Folder["budgets.json"]);
    }
}
