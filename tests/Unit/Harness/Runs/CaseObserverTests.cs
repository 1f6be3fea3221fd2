using Loadline.Gauges;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Runs;

public class CaseObserverTests
{
    private static readonly ContainerOutcome Outside = new(0, false, false, [], CgroupPeakBytes: 1);

    [Fact]
    public void A_program_that_tells_nothing_of_itself_has_the_timeline_that_was_read_from_outside()
    {
        var observer = new CaseObserver();
        observer.AddOutside(new MemorySample(0.5, 300, 0, 20, 900, 0, 0));

        observer.Snapshot(Outside).Timeline
            .Should().BeEquivalentTo(new { AnonBytes = new[] { 300L }, ShmemBytes = new[] { 20L }, CgroupBytes = new[] { 900L }, Phases = new[] { "run" } });

        observer.Add(FakeEnd.Sample(7));
        observer.Snapshot(Outside).Timeline!.AnonBytes.Should().Equal(7 << 20);
    }

    [Fact]
    public void Another_program_cannot_tell_what_it_takes_but_for_a_tests_body_and_more()
    {
        new CaseObserver(isOthers: true).Add(FakeEnd.Line(new SampleEvent(0, 70 << 20, 0, 0, 0, 0, 0))).Should().BeNull();
        var observer = new CaseObserver(isOthers: true, tellsLastReading: true);
        var outside = Outside with { AnonymousPeakBytes = 50 << 20 };

        observer.Add(FakeEnd.Line(new PhaseEvent("forged", 0))).Should().BeNull();
        observer.Add(FakeEnd.Line(new FailedEvent("refused", "forged"))).Should().BeNull();
        observer.Add(FakeEnd.Line(new SampleEvent(0, long.MaxValue, 0, long.MaxValue, 0, 0, 0))).Should().BeNull();
        observer.Snapshot(outside).Should().BeEquivalentTo(new { LastPhase = (string?)null, Failure = (FailedEvent?)null, PeakAnonymousBytes = 50L << 20 });

        observer.Add(FakeEnd.Line(new SampleEvent(1, 70 << 20, 0, 0, 0, 0, 0))).Should().BeNull("that is no last reading");
        observer.Add(FakeEnd.Line(new SampleEvent(0, 7 << 20, 0, 0, 0, 0, 0)));
        observer.Snapshot(outside).PeakAnonymousBytes.Should().Be(50 << 20);
        observer.Add(FakeEnd.Line(new SampleEvent(0, 70 << 20, 0, 0, 0, HostBytes: 5L << 30, DeviceBytes: 7)));
        observer.Snapshot(outside).Should().BeEquivalentTo(new { PeakAnonymousBytes = 70L << 20, PeakHostBytes = 0L, PeakDeviceBytes = 0L });

        observer.AddOutside(new MemorySample(0.5, 300, 0, 20, 900, 0, 0));
        observer.Snapshot(outside).Timeline!.AnonBytes.Should().Equal([300L], "what was read from outside is all that is drawn");
    }

    [Fact]
    public void Samples_whose_time_goes_backward_make_a_timeline_that_can_be_read_again()
    {
        var observer = new CaseObserver();
        foreach (var seconds in (ReadOnlySpan<double>)[0, 5, 1, 6]) observer.Add(FakeEnd.Line(new SampleEvent(seconds, 1, 0, 0, 0, 0, 0)));

        var timeline = observer.Snapshot(Outside).Timeline!;
        timeline.Milliseconds.Should().Equal(0, 5000, 5000, 6000);
        timeline.IsWhole.Should().BeTrue();
    }

    [Theory]
    [InlineData("\"seconds\":1e18")]
    [InlineData("\"seconds\":-1")]
    [InlineData("\"fileBytes\":-1")]
    [InlineData("\"cgroupBytes\":1152921504606846976")]
    [InlineData("\"hostBytes\":-1")]
    [InlineData("\"deviceBytes\":-1")]
    public void A_sample_that_no_machine_can_have_given_is_no_event(string lie)
    {
        var member = lie.Split(':')[0];
        var line = WorkerJson.Write(new SampleEvent(2, 3, 4, 5, 6, 7, 8));
        line.Should().Contain(member);

        new CaseObserver().Add(System.Text.RegularExpressions.Regex.Replace(line, member + ":[0-9]+", lie)).Should().BeNull();
        new CaseObserver().Add(line).Should().BeOfType<SampleEvent>();
    }

    [Theory]
    [InlineData((1L << 60) - 1, (1L << 60) - 1)]
    [InlineData((1L << 60) - 1, 1)]
    public void A_sample_whose_sum_nobody_reads_back_is_no_event(long anonBytes, long shmemBytes)
    {
        new CaseObserver().Add(WorkerJson.Write(new SampleEvent(2, anonBytes, 4, shmemBytes, 6, 7, 8))).Should().BeNull();
    }

    [Fact]
    public void The_last_line_is_cut_and_escaped_when_it_is_a_sample_as_well()
    {
        var observer = new CaseObserver();
        observer.Add(WorkerJson.Write(new SampleEvent(2, 3, 4, 5, 6, 7, 8))[..^1] + $",\"tensor\":\"\u202e{new string('y', 4200)}\"}}").Should().BeOfType<SampleEvent>();

        var kept = observer.Snapshot().LastLines.Should().ContainSingle().Which;
        kept.Length.Should().BeLessThan(4096);
        kept.Should().NotContain("\u202e").And.StartWith("{\"event\":\"sample\"");
    }

    [Fact]
    public void What_its_cap_lets_nobody_hold_does_not_count()
    {
        var observer = new CaseObserver(isOthers: false, 128 * ByteSize.MiB, tellsLastReading: false);

        observer.Add(FakeEnd.Line(new SampleEvent(0, 193 << 20, 0, 0, 0, 0, 0))).Should().BeNull();
        observer.Add(FakeEnd.Line(new SampleEvent(0, 192 << 20, 0, 0, 0, 0, 0))).Should().BeOfType<SampleEvent>();
        observer.Add(FakeEnd.Line(FakeEnd.Report(10) with { PeakCgroupBytes = 193 << 20 })).Should().BeNull();

        var seen = observer.Snapshot();
        seen.PeakAnonymousBytes.Should().Be(192 << 20);
        seen.WhyImpossible.Should().Be("says that it held 193 MiB of anonymous memory, more than its cap of 128 MiB lets live");
    }

    // A test that maps a file in memory, which somebody else is charged with.
    [Fact]
    public void The_last_reading_of_a_test_is_no_more_than_its_cap_and_always_one()
    {
        var observer = new CaseObserver(isOthers: true, 128 * ByteSize.MiB, tellsLastReading: true);

        observer.Add(FakeEnd.Line(new SampleEvent(0, 20 << 20, 0, 500 << 20, 0, 0, 0))).Should().BeOfType<SampleEvent>();

        var seen = observer.Snapshot();
        seen.PeakAnonymousBytes.Should().Be(128 << 20);
        seen.WhyImpossible.Should().BeNull();
    }

    [Fact]
    public void Of_samples_in_a_row_only_the_last_line_is_kept()
    {
        var observer = new CaseObserver();
        var phase = FakeEnd.Line(new PhaseEvent("read", 0));
        for (var mib = 1; mib <= 100; mib++) observer.Add(FakeEnd.Sample(mib));
        observer.Add(phase);
        for (var mib = 101; mib <= 200; mib++) observer.Add(FakeEnd.Sample(mib));

        observer.Snapshot(new ContainerOutcome(0, false, false, ["stderr"])).LastLines.Should().Equal(FakeEnd.Sample(100), phase, FakeEnd.Sample(200), "stderr");
    }

    [Fact]
    public void Output_without_end_takes_bounded_memory()
    {
        var observer = new CaseObserver();
        for (var i = 0; i < 1000; i++)
        {
            observer.Add(new string('x', 10_000));
            observer.Add(new PhaseEvent($"phase {i}", 0));
            observer.Add(FakeEnd.Sample(i));
        }

        var seen = observer.Snapshot();
        seen.LastLines.Sum(l => l.Length).Should().BeLessThan(21 * 501);
        seen.Phases.Count.Should().Be(32);
    }

    [Fact]
    public void Peaks_are_kept_by_phase_and_shared_memory_counts()
    {
        var observer = new CaseObserver();
        observer.Add(new SampleEvent(0, 5, 1000, 2, 1000, 1, 9));
        observer.Add(new PhaseEvent("read", 0));
        observer.Add(new SampleEvent(0, 30, 0, 3, 0, 8, 0));
        observer.Add(new SampleEvent(0, 20, 0, 0, 0, 9, 1));

        var seen = observer.Snapshot();

        seen.Phases.Should().Equal(new PhasePeak("start", 7, 1, 9), new PhasePeak("read", 33, 9, 1));
        (seen.PeakAnonymousBytes, seen.PeakPhase, seen.PeakHostBytes, seen.PeakDeviceBytes).Should().Be((33L, "read", 9L, 9L));
    }

    [Fact]
    public void The_reports_peaks_go_before_the_samples_and_the_runtimes()
    {
        var observer = new CaseObserver();
        observer.Add(FakeEnd.Sample(5));
        observer.Snapshot(Outside).PeakCgroupBytes.Should().Be(1);

        observer.Add(FakeEnd.Line(FakeEnd.Report(9)));

        var seen = observer.Snapshot(Outside);
        (seen.PeakAnonymousBytes, seen.PeakCgroupBytes).Should().Be((9 * ByteSize.MiB, 10 * ByteSize.MiB));
    }
}
