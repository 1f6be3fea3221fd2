using Loadline.Constrained.Faults;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Testing;

namespace Loadline.Constrained.Measurers;

/// <summary>
/// The measurer is measured: programs that touch exactly so much and end at once are never read below that, whoever runs them and however they took it.
/// <c>LOADLINE_MEASURER_RUNS</c> says how often each runs.
/// </summary>
[Trait("Category", "Constrained")]
public class MeasurerTests(CappedRuns runs)
{
    private const long CapBytes = 512 * ByteSize.MiB;

    /// <summary>What a program's own start takes besides: page tables, the C library, the kernel's share.</summary>
    private const long OwnBytes = 16 * ByteSize.MiB;

    private static readonly int Times = int.TryParse(Environment.GetEnvironmentVariable("LOADLINE_MEASURER_RUNS"), out var times) ? times : 3;

    private static readonly string DotnetHost = Path.GetFullPath(Path.Join(Path.GetDirectoryName(typeof(object).Assembly.Location), "../../../dotnet"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("anonymous", "exec dd if=/dev/zero of=/dev/null bs=300M count=1 2> /dev/null")]
    [InlineData("in a forked child", "dd if=/dev/zero of=/dev/null bs=300M count=1 2> /dev/null; exit 0")]
    [InlineData("in two at once", "dd if=/dev/zero of=/dev/null bs=300M count=1 2> /dev/null & dd if=/dev/zero of=/dev/null bs=1M count=1 2> /dev/null; wait")]
    public async Task A_program_of_anybodys_is_never_read_below_what_it_touched(string how, string shell)
    {
        await using var runtime = await CgroupAsync();
        var program = new BudgetCase { Name = how, Checkpoint = "", CapBytes = CapBytes, Expect = null, Why = "", Command = ["/bin/sh", "-c", shell] };

        await RepeatAsync(how, 300 * ByteSize.MiB, own: OwnBytes, async () => (await RunAsync(runtime, program)).Result);
    }

    [Theory]
    [InlineData("anon")]
    [InlineData("shmem")]
    [InlineData("locked")]
    public async Task A_program_is_never_read_below_memory_of_any_kind_that_it_leaves_with(string kind)
    {
        await using var runtime = await CgroupAsync();
        var bytes = 200 * ByteSize.MiB;
        string[] command = [DotnetHost, Path.Join(AppContext.BaseDirectory, "Loadline.Toucher.dll"), "leave", kind, $"{bytes}"];
        var program = new BudgetCase { Name = kind, Checkpoint = "", CapBytes = CapBytes, Expect = null, Why = "", Command = [.. command] };

        // The program's runtime is there besides.
        await RepeatAsync(kind, bytes, own: null, async () => (await RunAsync(runtime, program)).Result);
    }

    [Fact]
    public async Task A_budget_between_the_last_reading_and_the_kernels_peak_does_not_pass()
    {
        await using var runtime = await CgroupAsync();
        var program = new BudgetCase
        {
            Name = "dd",
            Checkpoint = "",
            CapBytes = CapBytes,
            Expect = Outcome.Loaded,
            Why = "",
            PeakAnonymousBytes = 299 * ByteSize.MiB,
            Command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"],
        };

        for (var i = 0; i < Times; i++)
        {
            var run = await RunAsync(runtime, program);
            run.Result.Pass.Should().BeFalse();
            run.Result.Message.Should().MatchRegex("^'dd' was limited to 299 MiB of anonymous memory(, and whether it kept to that is undecided: | but peaked at (299|30))");
        }
    }

    [Theory]
    [InlineData("anonymous 100")]
    [InlineData("anonymous 200")]
    [InlineData("shared 100")]
    [InlineData("locked 100")]
    public async Task A_body_is_never_read_below_what_it_keeps_to_its_end(string body)
    {
        await RepeatAsync(body, Leaving.Bytes(body), own: null, async () =>
        {
            var run = await Capped.RunAsync(static body => Leaving.With(body), body, cap: "512MiB", cancellation: Cancellation);
            return (run.PeakAnonymousBytes, run.PeakAnonymousAtMostBytes);
        });
        var missed = await FluentActions.Awaiting(() => Capped.RunAsync(
            static body => Leaving.With(body), body, cap: "512MiB", peakAnonymous: $"{Leaving.Bytes(body) / ByteSize.MiB - 1}MiB", cancellation: Cancellation))
            .Should().ThrowAsync<BudgetMissedException>();
        missed.Which.Message.Should().Contain("but peaked at");
    }

    [Fact]
    public async Task What_a_body_started_and_has_ended_is_bounded() =>
        await RepeatAsync("forked", 200 * ByteSize.MiB, own: null, async () =>
        {
            var run = await Capped.RunAsync(static body => Leaving.With(body), "forked 200", cap: "512MiB", cancellation: Cancellation);
            return (run.PeakAnonymousAtMostBytes, run.PeakAnonymousAtMostBytes);
        });

    [Theory]
    [InlineData("eager", 2)]
    [InlineData("meta-assign", 1)]
    public async Task The_worker_is_never_read_below_what_it_loads(string strategy, int copies)
    {
        using var cases = new TinyCases();
        var budget = TinyCases.Loading(strategy) with { CapBytes = CapBytes, Verify = null };

        await RepeatAsync($"worker, {strategy}", copies * TinyCases.HoleBytes, own: OwnBytes, async () =>
        {
            var run = await new CaseRunner(runs.Runtime).RunAsync(budget, cases.At("hole.safetensors"), onEvent: null, Cancellation);
            run.Result.Outcome.Should().Be(Outcome.Loaded, run.Result.Message ?? "");
            return run.Result;
        });
    }

    private static Task RepeatAsync(string what, long bytes, long? own, Func<Task<CaseResult>> run) => RepeatAsync(what, bytes, own, async () =>
    {
        var result = await run();
        return (result.HeldBytes, result.HeldBytes);
    });

    private static async Task RepeatAsync(string what, long bytes, long? own, Func<Task<(long? Read, long? AtMost)>> run)
    {
        var (lowest, highest) = (long.MaxValue, 0L);
        for (var i = 0; i < Times; i++)
        {
            var (read, atMost) = await run();
            (lowest, highest) = (Math.Min(lowest, read ?? 0), Math.Max(highest, atMost ?? long.MaxValue));
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{what}: {bytes / ByteSize.MiB} MiB read as {ByteSize.Format(lowest)} to {ByteSize.Format(highest)} in {Times} runs");
        lowest.Should().BeGreaterThanOrEqualTo(bytes - ByteSize.MiB, "{0} touched it", what);
        if (own is not null) highest.Should().BeLessThanOrEqualTo(bytes + own.Value, "{0} touched no more", what);
    }

    private static Task<CaseRun> RunAsync(CgroupRuntime runtime, BudgetCase program) => new CaseRunner(runtime).RunAsync(
        program, new ContainerSpec { Command = program.Command, CapBytes = program.CapBytes, Timeout = program.Timeout }, cold: null, onEvent: null, Cancellation);

    private static async Task<CgroupRuntime> CgroupAsync()
    {
        try
        {
            return await CgroupRuntime.StartAsync(workerPath: "", Cancellation);
        }
        catch (RuntimeException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
