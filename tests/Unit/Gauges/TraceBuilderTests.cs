using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public class TraceBuilderTests
{
    private readonly TraceBuilder _trace = new(version: 2);

    [Fact]
    public void Nothing_was_seen_of_a_group_in_which_nobody_lived()
    {
        _trace.Add(0, Anonymous(5), lives: false);

        _trace.Build().Should().BeNull();
    }

    [Fact]
    public void The_last_reading_is_the_one_before_the_kill_and_growth_is_over_a_tenth_of_a_second()
    {
        for (var i = 0; i <= 100; i++) _trace.Add(i * 0.002, Anonymous(i), lives: true);
        _trace.Add(0.203, Anonymous(70), lives: false);
        _trace.Add(0.205, Anonymous(0), lives: false);

        var trace = _trace.Build()!;

        trace.Last.AnonymousBytes.Should().Be(100);
        trace.SecondsBeforeEnd.Should().BeApproximately(0.003, 1e-9);
        trace.Grew.AnonymousBytes.Should().BeInRange(50, 51);
        trace.GrewSeconds.Should().BeApproximately(0.1, 0.0021);
    }

    [Fact]
    public void A_younger_program_grew_over_its_whole_life()
    {
        _trace.Add(0.001, Anonymous(5), lives: true);
        _trace.Add(0.003, Anonymous(9), lives: true);

        _trace.Build().Should().BeEquivalentTo(new { Grew = Anonymous(4), SecondsBeforeEnd = (double?)null });
    }

    [Fact]
    public void Each_class_has_its_own_peak_after_the_kill_too()
    {
        _trace.Add(0, new MemoryClasses { AnonymousBytes = 9, ShmemBytes = 1 }, lives: true);
        _trace.Add(1, new MemoryClasses { AnonymousBytes = 2, ShmemBytes = 3 }, lives: true);
        _trace.Add(2, new MemoryClasses { PageCacheBytes = 4 }, lives: false);

        _trace.Build()!.Peaks.Should().Be(new MemoryClasses { AnonymousBytes = 9, ShmemBytes = 3, PageCacheBytes = 4 });
    }

    [Fact]
    public void A_helper_that_was_killed_ends_the_story_though_others_live_on()
    {
        _trace.Add(0, Anonymous(9), lives: true);
        _trace.Add(1, Anonymous(2), lives: false);
        _trace.Add(2, Anonymous(8), lives: true);

        _trace.Build()!.Last.Should().Be(Anonymous(9));
    }

    [Fact]
    public void What_a_process_has_mapped_beyond_the_groups_own_is_charged_to_others()
    {
        _trace.Add(0, new MemoryClasses { MappedFileBytes = 10 }, lives: true);
        _trace.Add([new ProcessShare(1, "a", 0, FileBytes: 60, ShmemBytes: 5), new ProcessShare(2, "b", 0, 20, 0)], seconds: 0);
        _trace.Add(1, new MemoryClasses { MappedFileBytes = 50 }, lives: true);
        _trace.Add([new ProcessShare(1, "a", 0, 60, 5)], seconds: 1);

        _trace.Build().Should().BeEquivalentTo(new { ElsewhereBytes = 55L, Processes = new[] { new { Id = 1, Bytes = 65L } } });
    }

    [Fact]
    public void What_was_let_go_while_processes_were_read_is_nobody_elses()
    {
        _trace.Add(0, new MemoryClasses { MappedFileBytes = 65 }, lives: true);
        _trace.Add(1, new MemoryClasses { MappedFileBytes = 10 }, lives: true);
        _trace.Add(2, new MemoryClasses { MappedFileBytes = 10 }, lives: true);
        _trace.Add([new ProcessShare(1, "a", 0, 60, 5)], seconds: 0.5);

        _trace.Build()!.ElsewhereBytes.Should().Be(0);
    }

    private static MemoryClasses Anonymous(long bytes) => new() { AnonymousBytes = bytes };
}
