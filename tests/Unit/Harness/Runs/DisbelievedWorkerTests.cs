using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;
using static Loadline.Unit.Harness.Runs.FakeCase;

namespace Loadline.Unit.Harness.Runs;

/// <summary>What a worker says that cannot be: it is not believed, and no figure of it stands in the results.</summary>
public class DisbelievedWorkerTests
{
    [Fact]
    public async Task A_report_below_a_sample_of_the_same_load_is_not_believed()
    {
        var lines = FakeEnd.Loaded(peakAnonymousMib: 9).Lines;

        var run = await RunAsync(Case, new FakeEnd(0, [.. lines[..3], FakeEnd.Sample(60), .. lines[3..]]));

        run.Result.Outcome.Should().Be(Outcome.Error);
        run.Result.Message.Should().EndWith("its worker reports a peak of 9 MiB of anonymous memory, and a sample of its own shows 60 MiB");
    }

    [Fact]
    public async Task A_report_of_figures_below_zero_is_not_believed() =>
        (await RunAsync(Case, new FakeEnd(0, FakeEnd.Line(FakeEnd.Report(9) with { HostBytes = -1 })))).Result.Message.Should().EndWith("its worker has figures below zero");

    [Theory]
    [InlineData(0, "0,1,2,4,3", "its worker says 'verified' before 'loaded'")]
    [InlineData(0, "0,1,2,3,3,4", "its worker says 'loaded' more than once, which no worker does")]
    [InlineData(2, "0,1,2,3,4,refused", "its worker says that it verified its weights, and then 'refused': m")]
    [InlineData(0, "refused,0,1,2,3,4", "its worker says 'start' after it failed")]
    [InlineData(0, "0,1,2,3,verification-failed", "exit code 0, and its worker says that it failed: m")]
    public async Task A_worker_that_contradicts_itself_is_not_believed(int exitCode, string told, string why)
    {
        var lines = FakeEnd.Loaded(9).Lines;
        var end = new FakeEnd(exitCode, [.. told.Split(',').Select(word => int.TryParse(word, out var index) ? lines[index] : FakeEnd.Line(new FailedEvent(word, "m")))]);

        foreach (var expect in new[] { Outcome.Loaded, Outcome.Refused, Outcome.DeviceOom })
        {
            var result = (await RunAsync(Case with { Expect = expect, Verify = "digest" }, end)).Result;

            (result.Outcome, result.Pass).Should().Be((Outcome.Error, false));
            result.Message.Should().Contain(why);
        }
    }

    [Theory]
    [InlineData("sample", "memory in its timeline under a cap of")]
    [InlineData("holders", "of host memory, and 1 TiB by who held it")]
    public async Task What_its_readers_would_refuse_is_not_written(string told, string why)
    {
        var lines = FakeEnd.Loaded(9).Lines;
        var (sample, holders) = (new SampleEvent(0.1, 1, 0, 0, 1L << 50, 0, 0), new HoldersEvent([new Holders("host", 1L << 40, [], [])]));

        var end = new FakeEnd(0, told == "sample" ? [.. lines[..3], FakeEnd.Line(sample), .. lines[3..]] : [.. lines[..4], FakeEnd.Line(holders), .. lines[4..]]);
        var result = (await RunAsync(Case, end)).Result;

        result.Outcome.Should().Be(Outcome.Error);
        result.Message.Should().Contain(why);
        CaseContradictions.Of(result).Should().BeNull();
    }

    [Fact]
    public async Task Of_a_worker_that_contradicts_itself_no_figure_stands_in_the_results()
    {
        var lines = FakeEnd.Loaded(9).Lines;

        var result = (await RunAsync(Case with { Verify = "digest" }, new FakeEnd(0, [.. lines, lines[4]]))).Result;

        result.Should().BeEquivalentTo(new { Outcome = Outcome.Error, Seconds = (double?)null, Tensors = (int?)null, WeightBytes = (long?)null, MappedBytes = (long?)null });
        result.Holders.Should().BeNullOrEmpty();
    }

    [Fact]
    public async Task Of_a_cgroup_that_cannot_be_its_own_no_reading_stands_in_the_results()
    {
        var result = (await RunAsync(Case, FakeEnd.Loaded(9) with { Memory = FakeEnd.Seen(anonymousMib: 1 << 20) })).Result;

        result.Should().BeEquivalentTo(new { Outcome = Outcome.Error, Memory = (object?)null });
        result.Message.Should().Contain("it contradicts itself: it held 1024 GiB of memory");
        CaseContradictions.Of(result).Should().BeNull();
    }

    [Theory]
    [InlineData("digest", 412, nameof(Outcome.Error))]
    [InlineData(null, 412, nameof(Outcome.Error))]
    [InlineData("digest", 413, nameof(Outcome.Loaded))]
    [InlineData("forward", 412, nameof(Outcome.Loaded))]
    public async Task All_that_was_loaded_is_read_back_and_a_forward_may_need_less(string? verify, int tensors, string outcome)
    {
        var end = new FakeEnd(0, [.. FakeEnd.Loaded(9).Lines[..4], FakeEnd.Line(new VerifiedEvent(tensors, 1000, "digests"))]);

        (await RunAsync(Case with { Verify = verify }, end)).Result.Outcome.ToString().Should().Be(outcome);
    }

    [Fact]
    public async Task A_worker_that_says_what_its_cap_lets_nobody_hold_is_not_believed_and_its_figures_stand_in_no_results()
    {
        var lines = FakeEnd.Loaded(peakAnonymousMib: 9).Lines;
        var held = (Case.CapBytes / ByteSize.MiB) + 65;

        foreach (var end in new[] { new FakeEnd(0, [.. lines[..3], FakeEnd.Sample(held), .. lines[3..]]), FakeEnd.Loaded(held) })
        {
            var result = (await RunAsync(Case, end)).Result;

            result.Outcome.Should().Be(Outcome.Error);
            result.Message.Should().Contain("its worker says that it held").And.Contain("of anonymous memory, more than its cap of");
            CaseContradictions.Of(result).Should().BeNull();
        }
    }

    [Fact]
    public async Task What_a_killed_worker_said_above_its_cap_takes_nothing_from_the_kernel_s_word()
    {
        var result = (await RunAsync(Case with { Expect = Outcome.Killed }, FakeEnd.Killed(1L << 20))).Result;

        (result.Outcome, result.Pass).Should().Be((Outcome.Killed, true));
        CaseContradictions.Of(result).Should().BeNull();
    }

    [Theory]
    [InlineData((1L << 60) - 1, (1L << 60) - 1)]
    [InlineData(1L << 40, 0)]
    public async Task Another_program_s_sample_above_its_cap_gets_into_no_results(long anonBytes, long shmemBytes)
    {
        var program = Case with { Strategy = null, Device = null, Verify = null, Command = ["sh"] };

        var result = (await RunAsync(program, new FakeEnd(0, FakeEnd.Line(new SampleEvent(0, anonBytes, 0, shmemBytes, 0, 0, 0))))).Result;

        (result.Outcome, result.PeakAnonymousBytes).Should().Be((Outcome.Loaded, null));
        CaseContradictions.Of(result).Should().BeNull();
    }

    [Fact]
    public async Task A_report_below_a_sample_s_count_of_the_engine_is_not_believed() =>
        (await RunAsync(Case, new FakeEnd(0, [FakeEnd.Sample(1, 8 << 20), .. FakeEnd.Loaded(peakAnonymousMib: 9).Lines]))).Result.Outcome.Should().Be(Outcome.Error);
}
