using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Comparing;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Comparing;

public class ComparisonTests
{
    [Theory]
    [InlineData(72.4, "Same")]
    [InlineData(72.5, "Same")]
    [InlineData(72.6, "Regressed")]
    [InlineData(71.6, "Same")]
    [InlineData(71.4, "Improved")]
    public void A_peak_counts_beyond_half_a_MiB_where_nobody_measured_the_noise(double peakMib, string change) =>
        Compare(Measured.Loaded(), Measured.Loaded(peakMib: peakMib)).Change.ToString().Should().Be(change);

    [Theory]
    [InlineData(2, 74.0, "Same")]
    [InlineData(2, 74.1, "Regressed")]
    [InlineData(0, 72.12, "Same")]
    [InlineData(0, 72.13, "Regressed")]
    public void Where_it_was_measured_the_spread_counts_but_never_less_than_the_gauge_can_see(int spreadMib, double peakMib, string change)
    {
        var before = Measured.Loaded() with { Noise = new Noise(5, 70 << 20, (70 + spreadMib) << 20) };

        Compare(before, Measured.Loaded(peakMib: peakMib)).Change.ToString().Should().Be(change);
    }

    [Theory]
    [InlineData(1, 73.0, "Same")]
    [InlineData(2, 74.1, "Regressed")]
    [InlineData(430, 500.0, "Regressed")]
    public void What_grows_in_some_runs_only_has_grown(int spreadMib, double peakMib, string change)
    {
        var before = Measured.Loaded() with { Noise = new Noise(3, 72 << 20, 72 << 20) };
        var after = Measured.Loaded(peakMib: peakMib) with { Noise = new Noise(3, 70 << 20, (70L + spreadMib) << 20) };

        Compare(before, after).Change.ToString().Should().Be(change);
    }

    [Fact]
    public void Of_several_runs_one_that_did_not_live_says_most()
    {
        CaseResult[] runs = [Measured.Loaded(peakMib: 90) with { Expect = null }, Measured.Killed() with { Expect = null, PeakAnonymousBytes = 60 << 20 }];

        Noise.Worst(runs).Outcome.Should().Be(Outcome.Killed);
    }

    [Fact]
    public void The_engines_counts_are_compared_to_the_byte()
    {
        var before = Measured.Loaded();

        Compare(before, before with { DeviceBytes = before.DeviceBytes + 1 }).Change.Should().Be(Change.Regressed);
        Compare(before, before with { HostBytes = before.HostBytes - 1 }).Change.Should().Be(Change.Improved);
    }

    [Fact]
    public void A_strategy_that_holds_32_MiB_more_fails_with_its_name_the_phase_and_the_growth()
    {
        var regressed = Compare(Measured.Loaded(), Measured.Loaded(peakMib: 104, hostMib: 96));

        regressed.Change.Should().Be(Change.Regressed);
        regressed.Sentences.Should().Equal(
            "streamed of gpt2-medium on sim:4GiB took 104 MiB of anonymous memory in phase read, 32 MiB more than the 72 MiB before; the noise is 512 KiB; held for: ring 96 MiB, 64 MiB before",
            "streamed of gpt2-medium on sim:4GiB took 96 MiB of host memory by the engine's count in phase read, 32 MiB more than the 64 MiB before; held for: ring 96 MiB, 64 MiB before");
    }

    [Theory]
    [InlineData("Loaded", "Killed", false, "Regressed")]
    [InlineData("Loaded", "Killed", true, "Regressed")]
    [InlineData("Loaded", "Timeout", false, "Regressed")]
    [InlineData("Killed", "Loaded", false, "Improved")]
    [InlineData("Killed", "Error", false, "Regressed")]
    [InlineData("Killed", "DeviceOom", true, "Altered")]
    [InlineData("Killed", "Killed", true, "Same")]
    [InlineData("Loaded", "Thrashed", true, "Regressed")]
    [InlineData("Thrashed", "Killed", true, "Regressed")]
    [InlineData("Killed", "Thrashed", false, "Improved")]
    public void Outcomes_are_compared(string before, string after, bool pass, string change) =>
        Compare(
            Measured.Loaded() with { Outcome = Enum.Parse<Outcome>(before) },
            Measured.Loaded(peakMib: 99) with { Outcome = Enum.Parse<Outcome>(after), Pass = pass, LastPhase = "copy" }).Change.ToString().Should().Be(change);

    [Theory]
    [InlineData(72.4, "Improved")]
    [InlineData(99, "Regressed")]
    public void What_thrashes_no_more_since_it_holds_more_memory_has_not_improved(double peakMib, string change) =>
        Compare(Measured.Loaded() with { Outcome = Outcome.Thrashed }, Measured.Loaded(peakMib: peakMib)).Change.ToString().Should().Be(change);

    [Fact]
    public void What_thrashed_and_has_a_figure_no_more_has_not_improved()
    {
        var thrashed = Measured.Loaded() with { Outcome = Outcome.Thrashed, WeightBytes = 80 << 20, Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(1)] };
        var loaded = thrashed with { Outcome = Outcome.Loaded, Passes = [Measured.Pass(1), Measured.Pass(0)] };

        Compare(thrashed, loaded).Change.Should().Be(Change.Improved);
        Compare(thrashed, loaded with { Passes = null }).Should().Match<ComparedCase>(c => c.Change == Change.Regressed && c.Sentences[1].Contains("has no figure of reading from the disk"));
        Compare(thrashed, loaded with { PeakAnonymousBytes = null }).Change.Should().Be(Change.Regressed);
    }

    // As of three honest runs: how far the kernel reads ahead of what it drops again is chance.
    [Theory]
    [InlineData(1.13, 1.33, "Same")]
    [InlineData(1.33, 1.13, "Same")]
    [InlineData(1.13, 1.45, "Regressed")]
    [InlineData(0.1, 0.14, "Same")]
    [InlineData(0.1, 0.16, "Regressed")]
    public void Rereads_of_what_thrashes_lie_further_apart(double before, double after, string change)
    {
        Compare(Thrashing(before), Thrashing(after)).Change.ToString().Should().Be(change);
        Compare(Thrashing(before), Thrashing(after) with { WeightBytes = 90 << 20 }).Change.ToString().Should().Be(change == "Same" ? "Altered" : change);

        static CaseResult Thrashing(double reread) =>
            Measured.Loaded() with { Outcome = Outcome.Thrashed, WeightBytes = 80 << 20, Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(reread)] };
    }

    [Theory]
    [InlineData(0.0, 0.05, "Same")]
    [InlineData(0.0, 0.06, "Regressed")]
    [InlineData(1.0, 0.94, "Improved")]
    public void Rereads_are_compared_beyond_a_twentieth_of_the_weights(double before, double after, string change)
    {
        var compared = Compare(Rereading(before), Rereading(after));

        compared.Change.ToString().Should().Be(change);
        if (change == "Regressed") compared.Sentences.Single().Should().Contain("MiB of reading from the disk at a use of its weights, ").And.Contain("more than the 0 B before");

        static CaseResult Rereading(double reread) => Measured.Loaded() with { Passes = [Measured.Pass(1), Measured.Pass(reread)] };
    }

    [Fact]
    public void A_load_that_is_killed_now_says_where()
    {
        var killed = Measured.Loaded() with { Outcome = Outcome.Killed, Pass = false, LastPhase = "copy", Message = "m" };

        Compare(Measured.Loaded(), killed).Sentences.Should().Equal("streamed of gpt2-medium on sim:4GiB was loaded under 128 MiB and is killed now, in phase copy: m");
    }

    [Fact]
    public void New_and_vanished_cases_are_listed_and_fail_nothing()
    {
        var comparison = Comparison.Of(Measured.File(Measured.Loaded("a"), Measured.Loaded("b")), Measured.File(Measured.Loaded("c"), Measured.Loaded("b")));

        comparison.Cases.Select(c => (c.Name, c.Change)).Should().Equal(("c", Change.New), ("b", Change.Same), ("a", Change.Vanished));
        comparison.Regressions.Should().BeEmpty();
    }

    [Fact]
    public void A_case_that_loads_something_else_is_altered_unless_it_takes_more()
    {
        var altered = Compare(Measured.Loaded(), Measured.Loaded() with { Ring = "96MiB", DType = "bfloat16", Processes = 4 });

        altered.Change.Should().Be(Change.Altered);
        altered.Sentences.Should().Equal("is another case now, which takes no more: dtype none became bfloat16; ring none became 96MiB; processes 1 became 4");
    }

    [Fact]
    public void Other_weights_under_the_name_of_a_checkpoint_are_another_case()
    {
        var smaller = Measured.Loaded(peakMib: 40) with { WeightBytes = 12 << 20, Tensors = 3, Format = "safetensors" };
        var (before, larger) = (Measured.Loaded() with { WeightBytes = 48 << 20, Tensors = 12, Format = "pth" }, Measured.Loaded(peakMib: 90) with { WeightBytes = 96 << 20 });

        Compare(before, smaller).Sentences.Should().Equal("is another case now, which takes no more: weights of 48 MiB became 12 MiB; 12 tensors became 3; format pth became safetensors");
        Compare(before, smaller).Change.Should().Be(Change.Altered, "what a load of less takes says nothing of this one");
        Compare(before, larger).Change.Should().Be(Change.Regressed);
    }

    // As shares: the bytes are of other weights.
    [Theory]
    [InlineData(0.02, 5.0, "a use of its weights reads 1.12 of them again, where it was 0.02")]
    [InlineData(1.12, 5.0, "its budget of reading again grew from 0.05 to 5.00 of its weights")]
    [InlineData(1.12, null, "its budget of reading again is gone")]
    public void Altered_it_may_not_begin_to_read_again(double before, double? allowed, string why)
    {
        var base_ = Measured.Loaded() with { WeightBytes = 80 << 20, Reread = 0.05, Passes = [Measured.Pass(0), Measured.Pass(before)] };
        var head = base_ with { WeightBytes = 84 << 20, Reread = allowed, Passes = [Measured.Pass(0), Measured.Pass(1.12)] };

        Compare(base_, head).Change.Should().Be(Change.Regressed);
        Compare(base_, head).Sentences.Should().ContainSingle().Which.Should().Contain(why);
        Compare(base_, head with { Reread = 0.05, Passes = null }).Sentences.Should().ContainSingle().Which.Should().EndWith($"it has no figure of its reading at a use of its weights any more, which was {before:0.00} of them");
        Compare(base_, base_ with { WeightBytes = 84 << 20 }).Change.Should().Be(Change.Altered);
    }

    [Fact]
    public void Altered_it_may_take_more_of_no_memory_nor_allow_it()
    {
        var before = Measured.Loaded() with { PeakDevice = "2GiB" };
        var after = before with { DType = "float32" };

        Compare(before, after with { DeviceBytes = before.DeviceBytes + 1, PeakDevice = "4GiB" }).Sentences.Single().Should()
            .EndWith("its budget of device memory grew by 2 GiB, from 2 GiB to 4 GiB; its device memory by the engine's count grew by 1 B, from 1646 MiB to 1646 MiB");
        Compare(before, after with { HostBytes = before.HostBytes + ByteSize.MiB }).Change.Should().Be(Change.Regressed);
        Compare(before, after with { PeakDevice = null }).Sentences.Single().Should().EndWith("its budget of device memory is gone");

        var program = Program(ByteSize.MiB);
        Compare(program, program with { Command = ["sh", "-x"], PeakAnonymousAtMostBytes = 8 << 20 }).Change.Should().Be(Change.Altered, "between two readings that is nothing");
        Compare(program, program with { Command = ["sh", "-x"], PeakAnonymousAtMostBytes = program.CapBytes }).Change.Should().Be(Change.Altered, "its end was not seen");
        Compare(program, program with { Command = ["sh", "-x"], PeakAnonymousAtMostBytes = 64 << 20 }).Change.Should().Be(Change.Regressed);
    }

    [Fact]
    public void A_case_that_was_altered_and_has_no_budget_any_more_or_does_not_load_fails_the_gate() =>
        Compare(Measured.Loaded(), Measured.Killed("streamed survives") with { Strategy = "eager" }).Sentences.Should().Equal(
            "'streamed survives' is another case now (strategy streamed became eager): it is killed now; its budget is gone");

    [Fact]
    public void A_figure_that_is_gone_fails_the_gate()
    {
        var (before, lost) = (Measured.Loaded(), Measured.Loaded() with { PeakAnonymousBytes = null, PeakAnonymousAtMostBytes = null, WhyUnread = "it ended first" });

        Compare(before, lost).Should().BeEquivalentTo(new
        {
            Change = Change.Regressed,
            Sentences = new[] { "streamed of gpt2-medium on sim:4GiB has no figure of anonymous memory any more, where it was 72 MiB: it ended first" },
        });
        Compare(before, before with { HostBytes = null }).Change.Should().Be(Change.Regressed);
        Compare(before, lost with { Strategy = "eager" }).Should().Match<ComparedCase>(c => c.Change == Change.Regressed && c.Sentences[0].Contains("no figure of its anonymous memory any more"));
        Compare(lost, before).Change.Should().Be(Change.Same, "what is measured now and was not is no growth");
    }

    [Fact]
    public void A_program_that_may_have_held_far_more_between_two_readings_fails_the_gate()
    {
        var before = Program(3 * ByteSize.MiB);

        Compare(before, before with { PeakAnonymousAtMostBytes = 202 << 20 }).Should().BeEquivalentTo(new
        {
            Change = Change.Regressed,
            Sentences = new[]
            {
                "'streamed survives' took 202 MiB of anonymous memory at most, between two readings, 199 MiB more than the 3 MiB before; the noise is 16 MiB",
            },
        });
        Compare(before, before with { PeakAnonymousAtMostBytes = 19 << 20 }).Change.Should().Be(Change.Same, "what files bring between two readings is no growth");
        var spread = new Noise(3, 1 << 20, 1 << 20) { MinPeakAnonymousAtMostBytes = 3 << 20, MaxPeakAnonymousAtMostBytes = 43 << 20 };
        Compare(before with { Noise = spread }, before with { PeakAnonymousAtMostBytes = 43 << 20 }).Change.Should().Be(Change.Same, "its own runs lay so far apart");
        Compare(before with { Noise = spread }, before with { PeakAnonymousAtMostBytes = 44 << 20 }).Change.Should().Be(Change.Regressed);
        Compare(before, before with { PeakAnonymousAtMostBytes = 43 << 20, Noise = spread }).Change.Should().Be(Change.Regressed, "what grows in some runs only has grown");
        Compare(before, before with { PeakAnonymousAtMostBytes = before.CapBytes }).Change.Should().Be(Change.Same, "whose end was not seen is bounded by its cap alone");
        Compare(before, before with { PeakAnonymousAtMostBytes = before.CapBytes - ByteSize.MiB }).Change.Should().Be(Change.Same, "or by nearly all of it");
        Compare(before, before with { PeakAnonymousAtMostBytes = null }).Change.Should().Be(Change.Regressed, "a figure that is gone");
    }

    [Fact]
    public void Other_modes_are_refused_with_the_difference_named()
    {
        var head = Measured.File(Measured.Loaded() with { Device = "cpu" }) with { Environment = Measured.Environment with { Runtime = "cgroup v2", CgroupVersion = 2, Gpu = "T4" } };

        FluentActions.Invoking(() => Comparison.Of(Measured.File(Measured.Loaded()), head)).Should().Throw<InputException>().WithMessage(
            "base and head were measured in different modes and cannot be compared: runtime docker and cgroup; cgroup version 1 and 2; GPU none and T4; device of 'streamed survives' sim:4GiB and cpu");
    }

    [Fact]
    public void A_default_that_is_written_out_is_no_other_mode()
    {
        var before = Measured.Loaded();

        Compare(before, before with { Engine = "native", Device = "sim:4096MiB", Use = "read" }).Change.Should().Be(Change.Same);
        FluentActions.Invoking(() => Compare(before, before with { Engine = "libtorch" })).Should().Throw<InputException>().WithMessage("*engine of 'streamed survives' native and libtorch");
    }

    // Names are a stranger's, as all of the file.
    [Fact]
    public void Of_many_differences_the_first_are_named_and_of_long_names_the_ends()
    {
        var cases = Enumerable.Range(0, 500).Select(i => Measured.Loaded() with { Name = $"{i}{new string('x', 10_000)}", Device = "cpu", Engine = new string('e', 10_000) }).ToArray();
        var others = cases.Select(c => c with { Device = "sim:4GiB", Engine = null }).ToArray();

        FluentActions.Invoking(() => Comparison.Of(Measured.File(cases), Measured.File(others))).Should().Throw<InputException>()
            .Where(e => e.Message.Length < 20_000).WithMessage("*; 980 more");
    }

    [Fact]
    public void A_run_that_ended_early_is_no_base_and_no_head() =>
        FluentActions.Invoking(() => Comparison.Of(Measured.File(), Measured.File() with { Incomplete = "interrupted" })).Should().Throw<InputException>()
            .WithMessage("the head run ended before its last case (interrupted): run it again");

    [Fact]
    public void Other_machines_are_compared_and_said() =>
        Comparison.Of(Measured.File(Measured.Loaded()),
            Measured.File(Measured.Loaded()) with { Environment = Measured.Environment with { Kernel = "6.2", Runtime = "docker 28" } }).AlsoDifferent
            .Should().Equal("runtime docker 20.10.24, cgroup v1 and docker 28", "kernel 6.1 and 6.2");

    private static CaseResult Program(long atMostBytes) => Measured.Loaded(peakMib: 1, budget: null) with
    {
        Command = ["sh"],
        Strategy = null,
        Device = null,
        CapBytes = 1L << 30,
        PeakAnonymousAtMostBytes = atMostBytes,
    };

    private static ComparedCase Compare(CaseResult before, CaseResult after) => Comparison.Of(Measured.File(before), Measured.File(after)).Cases.Single();
}
