using System.Text.Json;

namespace Loadline.Unit.Harness.Commands;

public sealed class FloorCommandTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new(spec => spec.CapBytes >= 73L << 20 ? FakeEnd.Used(70, 1, 0) : FakeEnd.Killed(70));

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_probes_are_lines_and_the_floor_is_the_last()
    {
        (await _loadline.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB")).Should().Be(0);

        var lines = _loadline.Out.TrimEnd().Split('\n');
        lines.Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..3])).SkipLast(1).Should().Equal(
            "1 GiB loaded", "71 MiB killed", "73 MiB loaded", "72 MiB killed", "73 MiB loaded", "73 MiB loaded");
        lines[^1].Should().Match("streamed of gpt2-tiny.pth on sim:1GiB survives 73 MiB, 3 times in a row, and is at ease there: 6 probes in * s, cold, fake 1.0, cgroup v2");
        _loadline.Runtime.Specs.Should().OnlyContain(s => s.Command.Contains("sim:1GiB") && s.Command[1] == Tiny && string.Join(' ', s.Command).Contains("--passes 2"));
        _loadline.Runtime.Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task With_json_there_are_both_ends_and_the_probes_and_nothing_else()
    {
        (await _loadline.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB", "--ring", "64MiB", "--json")).Should().Be(0);

        JsonSerializer.Serialize(JsonDocument.Parse(_loadline.Out)).Should().Be(
            """{"floorBytes":76546048,"comfortBytes":76546048,"probes":[{"capBytes":1073741824,"outcome":"loaded","reread":0},"""
            + """{"capBytes":74448896,"outcome":"killed","reread":null},{"capBytes":76546048,"outcome":"loaded","reread":0},"""
            + """{"capBytes":75497472,"outcome":"killed","reread":null},{"capBytes":76546048,"outcome":"loaded","reread":0},"""
            + """{"capBytes":76546048,"outcome":"loaded","reread":0}]}""");
        _loadline.Error.Should().Contain("72 MiB").And.Contain("killed");
    }

    [Fact]
    public async Task A_probe_ends_in_bounded_time_after_a_reference_that_may_take_long()
    {
        await _loadline.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB");

        var timeouts = _loadline.Runtime.Specs.Select(s => s.Timeout.TotalSeconds).ToList();
        timeouts[0].Should().Be(120, "the file is small");
        timeouts.Skip(1).Should().OnlyContain(seconds => seconds == 20);
    }

    [Fact]
    public async Task A_probe_that_does_not_end_does_not_survive()
    {
        using var thrashing = new FakeHarness(spec => spec.CapBytes >= 73L << 20 ? FakeEnd.Used(70, 1, 0) : new FakeEnd(137) { TimedOut = true });

        (await thrashing.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB", "--json")).Should().Be(0);

        thrashing.Out.Should().Contain("\"floorBytes\": 76546048").And.Contain("\"timeout\"");
    }

    [Fact]
    public async Task At_the_floor_of_the_worker_itself_it_says_so()
    {
        using var small = new FakeHarness(_ => FakeEnd.Used(6, 1, 0));

        (await small.RunAsync("floor", Tiny, "--strategy", "mmap-assign")).Should().Be(0);

        small.Out.Should().EndWith("that is the floor of the worker's own runtime: below it the worker thrashes, whatever it loads\n");
        small.Runtime.Specs.Min(s => s.CapBytes).Should().Be(32 << 20);
    }

    [Theory]
    [InlineData(4, "device-oom", 4, "ran out of device memory in phase open: full")]
    [InlineData(2, "refused", 2, "was refused: full")]
    public async Task Where_no_cap_helps_the_reason_is_one_line_and_its_exit_code(int workers, string kind, int exitCode, string became)
    {
        using var refusing = new FakeHarness(_ => FakeEnd.Failed(workers, kind, "full"));

        (await refusing.RunAsync("floor", Tiny, "--strategy", "eager", "--json")).Should().Be(exitCode);

        refusing.Error.Should().EndWith($"loadline: eager of gpt2-tiny.pth on cpu was to load under 1 GiB but {became}\n");
        refusing.Out.Should().BeEmpty();
        refusing.Runtime.Specs.Should().HaveCount(1);
    }

    [Fact]
    public async Task What_survived_once_and_then_no_more_has_no_floor()
    {
        var runs = 0;
        using var unlucky = new FakeHarness(_ => runs++ == 0 ? FakeEnd.Used(6, 1, 0) : FakeEnd.Killed(900));

        (await unlucky.RunAsync("floor", Tiny, "--strategy", "eager")).Should().Be(137);

        unlucky.Error.Should().StartWith("loadline: eager of gpt2-tiny.pth on cpu survived 1 GiB once, but not every time: ");
    }

    [Fact]
    public async Task The_search_for_auto_starts_where_the_smallest_strategy_fits()
    {
        await _loadline.RunAsync("floor", Tiny, "--strategy", "auto", "--device", "sim:1GiB");

        _loadline.Runtime.Specs[1].CapBytes.Should().Be(32 << 20);
    }

    [Fact]
    public async Task The_two_ends_differ_where_uses_read_again_and_what_lies_between_thrashes()
    {
        using var mapped = new FakeHarness(spec => FakeEnd.Used(6, 1, spec.CapBytes >= 50L << 20 ? 0.002 : 1.02));

        (await mapped.RunAsync("floor", Tiny, "--strategy", "mmap-assign")).Should().Be(0);

        var lines = mapped.Out.Split('\n');
        lines.Should().Contain(line => line.StartsWith("    49 MiB  thrashed") && line.Contains("reread 1.02")).And.Contain(line => line.StartsWith("    50 MiB  loaded") && line.Contains("reread 0.00"));
        mapped.Out.Should().Contain("survives 32 MiB, 3 times in a row, and is at ease from 50 MiB on: ");
    }

    [Fact]
    public async Task What_reads_again_with_all_of_the_RAM_has_no_comfort()
    {
        using var thrashing = new FakeHarness(_ => FakeEnd.Used(6, 1, 0.5));

        (await thrashing.RunAsync("floor", Tiny, "--strategy", "mmap-assign", "--json")).Should().Be(0);

        thrashing.Out.Should().Contain("\"floorBytes\": 33554432").And.Contain("\"comfortBytes\": null");
    }

    [Theory]
    [InlineData("floor", "name a checkpoint, or a program behind --")]
    [InlineData("floor --command-word", "name a checkpoint, or a program behind --")]
    [InlineData("floor w.pth", "Option '--strategy' is required")]
    [InlineData("floor w.pth --strategy eager --passes 65", "--passes '65' is not a number from 1 to 64")]
    [InlineData("floor w.pth --strategy eager --passes 1", "--passes 1 tells nothing of what is read again: the least is 2")]
    [InlineData("floor w.pth --strategy eager -- cat w.pth", "give a checkpoint or a program behind --, not both")]
    [InlineData("floor --strategy eager -- cat w.pth", "--strategy is of a load, and a program behind -- loads as it likes")]
    [InlineData("floor --runtime docker -- cat w.pth", "--runtime docker needs an image to run a program in: give --image")]
    public async Task A_bad_argument_is_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {problem}");
        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Fact]
    public async Task A_program_is_at_ease_where_it_reads_no_more_than_with_all_of_the_RAM()
    {
        const long FileMib = 600;
        var runs = 0;
        using var program = new FakeHarness(spec => spec.CapBytes < 100L << 20 ? new FakeEnd(137) { KilledByCap = true } : new FakeEnd(0)
        {
            // The first run pays for its libraries, too.
            Memory = FakeEnd.Seen(90, readMib: spec.CapBytes >= 640L << 20 ? FileMib + (runs++ == 0 ? 300 : 0) : 3 * FileMib),
        });

        (await program.RunAsync("floor", "--json", "--", "python3", "load.py")).Should().Be(0);

        var json = JsonDocument.Parse(program.Out).RootElement;
        (json.GetProperty("floorBytes").GetInt64() >> 20, json.GetProperty("comfortBytes").GetInt64() >> 20).Should().Be((100, 640));
        json.GetProperty("probes").EnumerateArray().Where(p => p.GetProperty("outcome").GetString() == "thrashed").Should().OnlyContain(p => p.GetProperty("reread").GetDouble() == 2);
        program.Runtime.Specs.Should().OnlyContain(s => s.Command[0] == "python3" && s.CapBytes % (4L << 20) == 0);
    }

    [Fact]
    public async Task Of_a_program_whose_reads_nobody_counts_there_is_a_floor_only()
    {
        using var program = new FakeHarness(spec => spec.CapBytes < 100L << 20 ? new FakeEnd(1) : new FakeEnd(0));

        (await program.RunAsync("floor", "--", "python3", "load.py")).Should().Be(0);

        program.Out.Should().Contain("survives 100 MiB, 3 times in a row; where it is at ease cannot be told, because nobody counts what it reads: ");
    }
}
