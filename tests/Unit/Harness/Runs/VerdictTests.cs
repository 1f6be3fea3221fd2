using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Runs;

public class VerdictTests
{
    private static readonly BudgetCase Loads = FakeCase.Case;

    [Fact]
    public void A_missed_budget_says_which_by_how_much_and_where() =>
        Sentence(Loads with { PeakAnonymousBytes = 54 * ByteSize.MiB }, Outcome.Loaded, Seen(64)).Should().Be(
            "'n': mmap-assign of gpt2-medium on cpu was limited to 54 MiB of anonymous memory but peaked at 64 MiB, 10 MiB over, in phase read");

    [Fact]
    public void A_peak_at_its_budget_passes() =>
        Verdict.Of(Loads with { PeakAnonymousBytes = 64 * ByteSize.MiB }, Outcome.Loaded, Seen(64)).Should().Be(new Verdict(true, null));

    [Fact]
    public void The_engines_counts_are_held_to_the_byte_and_each_miss_is_a_sentence()
    {
        var seen = Seen(64) with { Report = FakeEnd.Report(64, hostBytes: 101, deviceBytes: 5 * ByteSize.MiB) };

        Sentence(Loads with { PeakHostBytes = 100, PeakDeviceBytes = 3 * ByteSize.MiB }, Outcome.Loaded, seen).Should().Be(
            "'n': mmap-assign of gpt2-medium on cpu was limited to 100 B of host memory by the engine's count but peaked at 101 B, 1 B over, in phase read\n"
            + "'n': mmap-assign of gpt2-medium on cpu was limited to 3 MiB of device memory by the engine's count but peaked at 5 MiB, 2 MiB over, in phase read");
    }

    [Fact]
    public void Each_device_of_a_map_is_held_to_its_limit()
    {
        var report = FakeEnd.Report(64) with { Devices = [new("sim:0", 100, 100), new("cpu", 10, 12), new("disk", null, 1000)] };

        Sentence(Loads, Outcome.Loaded, Seen(64) with { Report = report }).Should().Be(
            "'n': mmap-assign of gpt2-medium on cpu was limited to 10 B of memory on cpu but peaked at 12 B, 2 B over");
    }

    [Fact]
    public void A_missing_reading_is_a_miss() =>
        Sentence(Loads with { PeakAnonymousBytes = 1 }, Outcome.Loaded, new Observation()).Should().EndWith("but there is no reading of it");

    [Fact]
    public void A_program_that_could_not_be_watched_misses_its_budget_and_the_reason_is_given() =>
        Sentence(Loads with { Strategy = null, PeakAnonymousBytes = ByteSize.MiB }, Outcome.Loaded, new Observation { WhyUnread = "it was elsewhere" })
            .Should().Be("'n' was limited to 1 MiB of anonymous memory, but there is no reading of it: it was elsewhere");

    [Fact]
    public void A_program_that_does_not_report_is_held_to_what_was_seen_from_outside() =>
        Sentence(Loads with { Strategy = null, PeakAnonymousBytes = ByteSize.MiB }, Outcome.Loaded, new Observation { OutsidePeakAnonymousBytes = 3 * ByteSize.MiB })
            .Should().Be("'n' was limited to 1 MiB of anonymous memory but peaked at 3 MiB, 2 MiB over");

    [Fact]
    public void What_may_have_been_over_the_budget_between_two_readings_is_undecided_and_does_not_pass()
    {
        var seen = new Observation { OutsidePeakAnonymousBytes = 281 * ByteSize.MiB, OutsideBoundAnonymousBytes = 302 * ByteSize.MiB };
        var loads = Loads with { Strategy = null };

        Sentence(loads with { PeakAnonymousBytes = 290 * ByteSize.MiB }, Outcome.Loaded, seen).Should().Be(
            "'n' was limited to 290 MiB of anonymous memory, and whether it kept to that is undecided: 281 MiB was read, but by the kernel's own peak "
            + "it may have held up to 302 MiB between two readings; allow that much, or make the cap 290 MiB, which decides it");
        Sentence(loads with { PeakAnonymousBytes = 280 * ByteSize.MiB }, Outcome.Loaded, seen).Should().Be(
            "'n' was limited to 280 MiB of anonymous memory but peaked at 281 MiB, 1 MiB over");
        Verdict.Of(loads with { PeakAnonymousBytes = 302 * ByteSize.MiB }, Outcome.Loaded, seen).Pass.Should().BeTrue();
    }

    [Fact]
    public void What_a_program_reports_itself_counts_where_it_is_more_than_was_seen_from_outside()
    {
        var told = new PhasePeak("start", 100 * ByteSize.MiB, 0, 0);

        new Observation { Phases = [told], OutsidePeakAnonymousBytes = 84 * ByteSize.MiB }.PeakAnonymousBytes.Should().Be(100 * ByteSize.MiB);
        new Observation { Phases = [told], OutsidePeakAnonymousBytes = 104 * ByteSize.MiB }.PeakAnonymousBytes.Should().Be(104 * ByteSize.MiB);
    }

    [Theory]
    [InlineData("Killed", "Loaded", "was to be killed under 1 GiB but loaded: peak 64 MiB of anonymous memory")]
    [InlineData("DeviceOom", "Loaded", "was to run out of device memory under 1 GiB but loaded: peak 64 MiB of anonymous memory")]
    [InlineData("Loaded", "Thrashed", "was to load under 1 GiB but thrashed: a use of its weights read 1.02 of them from the disk again, where 0.05 is allowed")]
    [InlineData("Thrashed", "Killed", "was to read more than 0.05 of its weights again at each use under 1 GiB but was killed by the cap in phase copy: last seen with 64 MiB of anonymous memory")]
    [InlineData("Loaded", "Killed", "was to load under 1 GiB but was killed by the cap in phase copy: last seen with 64 MiB of anonymous memory")]
    [InlineData("Loaded", "DeviceOom", "was to load under 1 GiB but ran out of device memory in phase copy: its words")]
    [InlineData("Loaded", "Refused", "was to load under 1 GiB but was refused: its words")]
    [InlineData("Loaded", "VerificationFailed", "was to load under 1 GiB but loaded weights that are not those of the file: its words")]
    [InlineData("Killed", "Timeout", "was to be killed under 1 GiB but did not end within 120 s in phase copy: last seen with 64 MiB of anonymous memory")]
    [InlineData("Refused", "Error", "was to be refused but ended in error in phase copy: its words")]
    public void Another_outcome_is_a_sentence(string expected, string outcome, string sentence)
    {
        var budget = Loads with { Expect = Enum.Parse<Outcome>(expected), Reread = 0.05 };
        var seen = Seen(64) with { Passes = outcome == "Thrashed" ? [FakeEnd.Pass(1), FakeEnd.Pass(1.02), FakeEnd.Pass(0.9)] : [], LastPhase = "copy", Failure = new FailedEvent("kind", "its words") };

        Sentence(budget, Enum.Parse<Outcome>(outcome), seen).Should().Be("'n': mmap-assign of gpt2-medium on cpu " + sentence);
    }

    [Fact]
    public void Another_program_is_called_by_its_cases_name() =>
        Sentence(Loads with { Strategy = null }, Outcome.Killed, Seen(64)).Should().StartWith("'n' was to load under 1 GiB but was killed by the cap");

    [Fact]
    public void Names_as_long_as_a_budget_may_have_make_no_message_that_results_could_not_hold()
    {
        var longest = new string('x', 65_536);
        var seen = Seen(64) with { Failure = new FailedEvent("kind", "its words") };

        Sentence(Loads with { Name = longest, Checkpoint = longest }, Outcome.Error, seen).Should().EndWith(": its words").And.Subject.Length.Should().BeLessThan(20_000);
    }

    [Theory]
    [InlineData("Loaded", true)]
    [InlineData("Killed", true)]
    [InlineData("DeviceOom", true)]
    [InlineData("Refused", true)]
    [InlineData("Timeout", true)]
    [InlineData("VerificationFailed", false)]
    [InlineData("Error", false)]
    public void Where_nothing_is_expected_only_a_broken_load_fails(string outcome, bool passes) =>
        Verdict.Of(Loads with { Expect = null }, Enum.Parse<Outcome>(outcome), Seen(64)).Pass.Should().Be(passes);

    private static string? Sentence(BudgetCase budget, Outcome outcome, Observation seen)
    {
        var verdict = Verdict.Of(budget, outcome, seen);
        verdict.Pass.Should().BeFalse();
        return verdict.Message;
    }

    private static Observation Seen(long peakMib) =>
        new() { Report = FakeEnd.Report(peakMib), Phases = [new PhasePeak("read", peakMib * ByteSize.MiB, 101, 5 * ByteSize.MiB)] };
}
