using System.Text.Json;

namespace Loadline.Unit.Harness.Commands;

/// <summary><c>loadline curve</c>, with loads that die below 100 MiB, are at ease from 200 MiB on and read everything again between.</summary>
public sealed class CurveCommandTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new(spec =>
        spec.CapBytes < 100L << 20 ? FakeEnd.Killed(90) : FakeEnd.Used(90, 1, 1, spec.CapBytes < 200L << 20 ? 1.02 : 0));

    private string Results => _loadline.Folder["curve.json"];

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task A_line_has_more_caps_around_both_ends_than_elsewhere()
    {
        (await CurveAsync("--strategies", "streamed", "--json")).Should().Be(0);

        var line = JsonDocument.Parse(_loadline.Out).RootElement.GetProperty("lines")[0];
        var points = line.GetProperty("points").EnumerateArray().ToList();
        var caps = points.ConvertAll(p => p.GetProperty("capBytes").GetInt64() >> 20);
        line.GetProperty("name").GetString().Should().Be("streamed");
        (line.GetProperty("floorBytes").GetInt64() >> 20).Should().BeInRange(100, 103);
        (line.GetProperty("comfortBytes").GetInt64() >> 20).Should().BeInRange(200, 206);
        caps.Should().BeInAscendingOrder().And.Contain([64L, 128, 256, 1024]).And.NotContain(32, "what 64 MiB kills, 32 MiB kills");
        caps.Count(cap => cap is > 90 and < 110).Should().BeGreaterThan(2);
        points.Where(p => p.GetProperty("outcome").GetString() == "thrashed").Should().OnlyContain(p => p.GetProperty("capBytes").GetInt64() >> 20 < 200);
        // Half a second of load and three uses of half a second.
        points[^1].Should().Match<JsonElement>(p => p.GetProperty("totalSeconds").GetDouble() == 2 && p.GetProperty("passSeconds").GetDouble() == 0.5 && p.GetProperty("seconds").GetDouble() == 0.5);
        _loadline.Runtime.Specs.Should().OnlyContain(s => string.Join(' ', s.Command).Contains("--passes 3"));
    }

    [Theory]
    [InlineData("\"capBytes\": 0,", "\"capBytes\": 134217728,")]
    [InlineData("\"capBytes\": 9223372036854775807,", "\"capBytes\": 134217728,")]
    [InlineData("\"capBytes\": -5,", "\"capBytes\": 134217728,")]
    [InlineData("\"totalSeconds\": 1e999", "\"totalSeconds\": 2")]
    [InlineData("\"totalSeconds\": 1e308", "\"totalSeconds\": 2")]
    [InlineData("\"totalSeconds\": -1", "\"totalSeconds\": 2")]
    [InlineData("\"passSeconds\": 1.6", "\"passSeconds\": 0.5")]
    [InlineData("\"reread\": 0.002", "\"reread\": 1")]
    [InlineData("\"outcome\": \"loaded\"", "\"outcome\": \"thrashed\"")]
    [InlineData("\"outcome\": 99", "\"outcome\": \"thrashed\"")]
    public async Task A_curve_that_cannot_be_is_refused_and_not_drawn(string strangers, string own)
    {
        (await CurveAsync("--strategies", "streamed", "--results", Results)).Should().Be(0);
        var text = File.ReadAllText(Results);
        text.Should().Contain(own);
        File.WriteAllText(Results, text.Replace(own, strangers, StringComparison.Ordinal));

        (await _loadline.RunAsync("curve", "--results", Results, "--svg", _loadline.Folder["c.svg"])).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {Results}: ").And.Contain("holds no curve of `loadline curve`");
        File.Exists(_loadline.Folder["c.svg"]).Should().BeFalse();
    }

    [Fact]
    public async Task A_line_without_a_run_that_lived_and_without_a_reason_is_none()
    {
        var curve = Loadline.Unit.Harness.Reports.CurveChartTests.Curve;
        curve.Write(Results);
        (await _loadline.RunAsync("curve", "--results", Results)).Should().Be(0);
        (curve with { Lines = [.. curve.Lines, new("silent", "w", [])] }).Write(Results);

        (await _loadline.RunAsync("curve", "--results", Results)).Should().Be(2);
    }

    [Fact]
    public async Task Another_file_under_the_same_name_and_another_machines_curve_are_not_gone_on_with()
    {
        var checkpoint = _loadline.Folder["m.pth"];
        File.Copy(Tiny, checkpoint);
        (await _loadline.RunAsync("curve", checkpoint, "--strategies", "streamed", "--results", Results)).Should().Be(0);
        File.Copy(Fixtures.Path("tied.pth"), checkpoint, overwrite: true);

        (await _loadline.RunAsync("curve", checkpoint, "--strategies", "streamed", "--results", Results)).Should().Be(2);
        _loadline.Error.Should().Contain("its line 'streamed' is of ").And.Contain("56 tensors of ").And.Contain("2 tensors of ");

        File.Copy(Tiny, checkpoint, overwrite: true);
        File.WriteAllText(Results, System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(Results), "\"cores\": \\d+", "\"cores\": 97"));
        (await _loadline.RunAsync("curve", checkpoint, "--strategies", "streamed", "--results", Results)).Should().Be(2);
        _loadline.Error.Should().Contain("was measured on another machine (97 cores");
    }

    [Theory]
    [InlineData("curve --results FIFO")]
    [InlineData("curve --results FIFO --svg picture.svg")]
    [InlineData("report FIFO")]
    [InlineData("compare FIFO FIFO")]
    [InlineData("run --budgets FIFO")]
    public async Task A_pipe_where_a_file_belongs_is_refused_without_waiting(string arguments)
    {
        var fifo = _loadline.Folder["fifo"];
        using (var make = System.Diagnostics.Process.Start("mkfifo", fifo)) await make.WaitForExitAsync(TestContext.Current.CancellationToken);

        (await _loadline.RunAsync(arguments.Replace("FIFO", fifo, StringComparison.Ordinal).Split(' '))).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {fifo}: ").And.Contain("is no regular file (a pipe or a device)");
    }

    [Fact]
    public async Task Caps_come_in_steps_of_two_down_to_where_it_lives_no_more()
    {
        using var mapped = new FakeHarness(spec => FakeEnd.Loaded(9) with
        {
            Lines = [.. FakeEnd.Used(9, 1, 1, spec.CapBytes < 40L << 20 ? 1 : 0).Lines.SkipLast(2), FakeEnd.Line(FakeEnd.Report(9) with { MappedBytes = 300L << 20 })],
        });

        await mapped.RunAsync("curve", Tiny, "--strategies", "mmap-assign");

        mapped.Runtime.Specs.Take(6).Select(s => s.CapBytes >> 20).Should().Equal(1024, 512, 256, 128, 64, 32);
    }

    [Fact]
    public async Task Without_json_progress_and_a_table_are_printed_and_the_picture_and_the_page_are_written()
    {
        (await CurveAsync("--strategies", "streamed,eager", "--svg", _loadline.Folder["c.svg"], "--html", _loadline.Folder["c.html"])).Should().Be(0);

        _loadline.Out.Should().Contain("streamed, 1 of 2\n").And.Contain("   128 MiB  thrashed").And.Contain("eager, 2 of 2\n")
            .And.MatchRegex(@" +floor +at ease from +at ease, s +thrashing, s\nstreamed +10\d MiB +20\d MiB +2.00 +2.00\neager +10\d MiB +20\d MiB +2.00 +2.00\n$");
        File.ReadAllText(_loadline.Folder["c.svg"]).Should().StartWith("<svg ").And.Contain("streamed").And.Contain("eager");
        File.ReadAllText(_loadline.Folder["c.html"]).Should().StartWith("<!doctype html>").And.Contain("<svg ").And.NotContain("<script");
    }

    [Fact]
    public async Task A_curve_that_was_stopped_goes_on_where_it_was()
    {
        using var stop = new CancellationTokenSource();
        var runs = 0;
        using var stopped = new FakeHarness(spec =>
        {
            if (++runs == 5) stop.Cancel();
            return spec.CapBytes < 100L << 20 ? FakeEnd.Killed(90) : FakeEnd.Used(90, 1, 1, 0);
        });
        (await stopped.RunAsync(stop.Token, "curve", Tiny, "--strategies", "streamed", "--results", Results)).Should().NotBe(0);

        (await CurveAsync("--strategies", "streamed", "--results", Results)).Should().Be(0);

        var begun = stopped.Runtime.Specs.Select(s => s.CapBytes).Take(5).ToList();
        // The run with all of the RAM says how long the others may take, and so comes again.
        _loadline.Runtime.Specs.Select(s => s.CapBytes).Should().Contain(begun[0]).And.NotContain(begun[1..4]);
        var measured = _loadline.Runtime.Specs.Count;
        await CurveAsync("--strategies", "streamed", "--results", Results);
        _loadline.Runtime.Specs.Should().HaveCount(measured, "nothing is left to measure");
        _loadline.Out.Should().Contain("streamed, 1 of 1: is there\n");
    }

    [Fact]
    public async Task A_program_that_needs_next_to_nothing_has_a_floor_of_next_to_nothing()
    {
        using var program = new FakeHarness(_ => new FakeEnd(0) { AnonymousPeakBytes = 1 << 20, CgroupPeakBytes = 2 << 20, Memory = FakeEnd.Seen(1) });

        (await program.RunAsync("curve", "--json", "--", "true")).Should().Be(0);

        var line = JsonDocument.Parse(program.Out).RootElement.GetProperty("lines")[0];
        (line.GetProperty("floorBytes").GetInt64() >> 20).Should().BeLessThanOrEqualTo(8);
    }

    [Fact]
    public async Task A_program_is_another_line_under_the_name_it_is_given()
    {
        await CurveAsync("--strategies", "streamed", "--results", Results);
        using var program = new FakeHarness(spec => spec.CapBytes < 100L << 20 ? new FakeEnd(137) { KilledByCap = true } : new FakeEnd(0)
        {
            Memory = FakeEnd.Seen(90, readMib: spec.CapBytes < 300L << 20 ? 1800 : 600),
            CgroupPeakBytes = 310L << 20,
        });

        (await program.RunAsync("curve", "--results", Results, "--name", "PyTorch", "--json", "--", "python3", "load.py")).Should().Be(0);

        var lines = JsonDocument.Parse(program.Out).RootElement.GetProperty("lines");
        lines.EnumerateArray().Select(l => l.GetProperty("name").GetString()).Should().Equal("streamed", "PyTorch");
        (lines[1].GetProperty("comfortBytes").GetInt64() >> 20).Should().BeInRange(300, 312);
        File.ReadAllText(Results).TrimEnd().Should().Be(program.Out.TrimEnd());
        (await program.RunAsync("curve", "--results", Results, "--name", "PyTorch", "--", "python3", "other.py")).Should().Be(2);
        program.Error.Should().Contain("its line 'PyTorch' is of python3 load.py, not of python3 other.py: name another file, or another line");
    }

    [Fact]
    public async Task A_line_that_could_not_be_measured_is_measured_the_next_time()
    {
        using var busy = new FakeHarness(_ => new FakeEnd(137) { TimedOut = true });
        (await busy.RunAsync("curve", Tiny, "--strategies", "streamed", "--results", Results)).Should().Be(3);

        (await CurveAsync("--strategies", "streamed", "--results", Results)).Should().Be(0);

        _loadline.Runtime.Specs.Should().NotBeEmpty();
    }

    [Fact]
    public async Task What_does_not_load_at_all_says_why_and_the_others_go_on()
    {
        using var broken = new FakeHarness(spec => spec.Command.Contains("eager") ? FakeEnd.Failed(2, "refused", "no") : FakeEnd.Used(9, 1, 1, 0));

        (await broken.RunAsync("curve", Tiny, "--strategies", "eager,streamed")).Should().Be(0);

        broken.Out.Should().Contain("eager     eager of gpt2-tiny.pth on cpu was to load under 1 GiB but was refused: no").And.MatchRegex(@"streamed +32 MiB +32 MiB +2.00 +-");
    }

    [Fact]
    public async Task Other_files_are_not_replaced()
    {
        File.WriteAllText(Results, "{}");
        (await CurveAsync("--results", Results)).Should().Be(2);
        _loadline.Error.Should().Contain("is there and holds no curve of `loadline curve`: name another file");
        File.WriteAllText(_loadline.Folder["c.svg"], "weights");

        (await CurveAsync("--svg", _loadline.Folder["c.svg"])).Should().Be(2);

        _loadline.Error.Should().Contain("is there and is no picture of a curve: name another file");
        File.WriteAllText(_loadline.Folder["c.svg"], """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 500"><text>a logo</text></svg>""");
        (await CurveAsync("--svg", _loadline.Folder["c.svg"])).Should().Be(2);
        File.CreateSymbolicLink(_loadline.Folder["linked"], _loadline.Folder.Path);
        (await CurveAsync("--svg", _loadline.Folder["one"], "--html", _loadline.Folder["linked/one"])).Should().Be(2);
        _loadline.Error.Should().Contain("two files of one name would be one: name another for one of them");
        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Fact]
    public async Task What_cannot_be_seen_in_a_command_and_a_files_name_is_gone_on_with()
    {
        using var program = new FakeHarness(_ => FakeEnd.Loaded(9));
        string[] command = ["curve", "--results", Results, "--", "sh", "-c", "a\nb\t" + new string('\u00a0', 60)];
        (await program.RunAsync(command)).Should().Be(0, program.Error);
        var runs = program.Runtime.Specs.Count;
        (await program.RunAsync(command)).Should().Be(0, program.Error);
        program.Runtime.Specs.Should().HaveCount(runs, "it is there already");

        var path = Path.Combine(_loadline.Folder.Path, "a\u00a0b.pth");
        File.Copy(Tiny, path);
        for (var i = 0; i < 2; i++) (await _loadline.RunAsync("curve", path, "--strategies", "streamed", "--results", _loadline.Folder["own.json"])).Should().Be(0, _loadline.Error);
    }

    [Fact]
    public async Task A_curve_of_another_checkpoint_is_not_gone_on_with()
    {
        await CurveAsync("--strategies", "streamed", "--results", Results);

        (await _loadline.RunAsync("curve", Fixtures.Path("gpt2-tiny.safetensors"), "--results", Results)).Should().Be(2);

        _loadline.Error.Should().Contain("is the curve of gpt2-tiny.pth with 3 uses: name another file");
    }

    [Theory]
    [InlineData("curve", "name a checkpoint, or a program behind --, or a curve that is there by --results")]
    [InlineData("curve w.pth -- cat", "give a checkpoint or a program behind --, not both")]
    [InlineData("curve w.pth --name x", "--name is what a program is called: strategies have names")]
    [InlineData("curve w.pth --strategies eager,magic", "unknown strategy 'magic': known are eager, *")]
    [InlineData("curve w.pth --passes 1", "--passes 1 tells nothing of what is read again: the least is 2")]
    [InlineData("curve w.pth --passes 01", "--passes 1 tells nothing of what is read again: the least is 2")]
    public async Task A_bad_argument_is_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Match($"loadline: {problem}; see `loadline curve --help`").And.NotContain("\n");
    }

    private Task<int> CurveAsync(params string[] options) => _loadline.RunAsync(["curve", Tiny, .. options]);
}
