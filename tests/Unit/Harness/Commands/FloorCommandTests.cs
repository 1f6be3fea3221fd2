using System.Text.Json;

namespace Loadline.Unit.Harness.Commands;

public sealed class FloorCommandTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new(spec => spec.CapBytes >= 73L << 20 ? FakeEnd.Loaded(70) : FakeEnd.Killed(70));

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_probes_are_lines_and_the_floor_is_the_last()
    {
        (await _loadline.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB")).Should().Be(0);

        var lines = _loadline.Out.TrimEnd().Split('\n');
        lines.Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..3])).SkipLast(1).Should().Equal(
            "1 GiB loaded", "71 MiB killed", "73 MiB loaded", "72 MiB killed", "73 MiB loaded", "73 MiB loaded");
        lines[^1].Should().Match("streamed of gpt2-tiny.pth on sim:1GiB survives 73 MiB, 3 times in a row: 6 probes in * s, cold, fake 1.0, cgroup v2");
        _loadline.Runtime.Specs.Should().OnlyContain(s => s.Command.Contains("sim:1GiB") && s.Command[1] == Tiny);
        _loadline.Runtime.Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task With_json_there_are_the_floor_and_the_probes_and_nothing_else()
    {
        (await _loadline.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB", "--ring", "64MiB", "--json")).Should().Be(0);

        JsonSerializer.Serialize(JsonDocument.Parse(_loadline.Out)).Should().Be(
            """{"floorBytes":76546048,"probes":[{"capBytes":1073741824,"outcome":"loaded"},{"capBytes":74448896,"outcome":"killed"},"""
            + """{"capBytes":76546048,"outcome":"loaded"},{"capBytes":75497472,"outcome":"killed"},{"capBytes":76546048,"outcome":"loaded"},"""
            + """{"capBytes":76546048,"outcome":"loaded"}]}""");
        _loadline.Error.Should().Contain("72 MiB").And.Contain("killed");
    }

    [Fact]
    public async Task A_probe_ends_in_bounded_time_after_a_reference_that_may_take_long()
    {
        await _loadline.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB");

        var timeouts = _loadline.Runtime.Specs.Select(s => s.Timeout.TotalSeconds).ToList();
        timeouts[0].Should().Be(120);
        timeouts.Skip(1).Should().OnlyContain(seconds => seconds == 20);
    }

    [Fact]
    public async Task A_probe_that_thrashes_does_not_survive()
    {
        using var thrashing = new FakeHarness(spec => spec.CapBytes >= 73L << 20 ? FakeEnd.Loaded(70) : new FakeEnd(137) { TimedOut = true });

        (await thrashing.RunAsync("floor", Tiny, "--strategy", "streamed", "--device", "sim:1GiB", "--json")).Should().Be(0);

        thrashing.Out.Should().Contain("\"floorBytes\": 76546048").And.Contain("\"timeout\"");
    }

    [Fact]
    public async Task At_the_floor_of_the_worker_itself_it_says_so()
    {
        using var small = new FakeHarness(_ => FakeEnd.Loaded(6));

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
        using var unlucky = new FakeHarness(_ => runs++ == 0 ? FakeEnd.Loaded(6) : FakeEnd.Killed(900));

        (await unlucky.RunAsync("floor", Tiny, "--strategy", "eager")).Should().Be(137);

        unlucky.Error.Should().StartWith("loadline: eager of gpt2-tiny.pth on cpu survived 1 GiB once, but not every time: ");
    }

    [Fact]
    public async Task The_search_for_auto_starts_where_the_smallest_strategy_fits()
    {
        await _loadline.RunAsync("floor", Tiny, "--strategy", "auto", "--device", "sim:1GiB");

        _loadline.Runtime.Specs[1].CapBytes.Should().Be(32 << 20);
    }
}
