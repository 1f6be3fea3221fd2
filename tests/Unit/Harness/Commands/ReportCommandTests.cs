namespace Loadline.Unit.Harness.Commands;

public sealed class ReportCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public ReportCommandTests() => Measured.File(Measured.Loaded("a"), Measured.Missed("b")).Write(_loadline.Folder["r.json"]);

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task It_prints_the_table_and_what_is_wrong()
    {
        (await _loadline.RunAsync("report", _loadline.Folder["r.json"])).Should().Be(0);

        _loadline.Out.Should().StartWith("      case  cap ").And.Contain("MISS  b     128 MiB   loaded      loaded                         72/54       90     1.2")
            .And.Contain("1 of 2 as expected, peaks 0.044 × the weights; docker 20.10.24, cgroup v1, engine native, kernel 6.1, 2 cores, 24 GiB")
            .And.Contain("18 MiB over, in phase read");
    }

    [Fact]
    public async Task It_prints_markdown_or_writes_a_page()
    {
        (await _loadline.RunAsync("report", _loadline.Folder["r.json"], "--summary", "--html", _loadline.Folder["out/r.html"])).Should().Be(0);

        _loadline.Out.Should().StartWith("### 1 of 2 as expected");
        File.ReadAllText(_loadline.Folder["out/r.html"]).Should().StartWith("<!doctype html>").And.EndWith("</html>\n");
    }

    [Fact]
    public async Task A_summary_that_has_no_place_is_an_error_of_who_asked_for_it()
    {
        using var step = new FakeHarness { InActions = true };
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", step.Summary)) mkfifo.WaitForExit();

        (await step.RunAsync("report", _loadline.Folder["r.json"], "--summary")).Should().Be(3);

        step.Error.Should().Contain("GITHUB_STEP_SUMMARY is no regular file (a pipe or a device)");
    }
}
