using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Curves;
using Loadline.Harness.Floors;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Measuring;
using Loadline.Testing;

namespace Loadline.Constrained.CgroupV2;

/// <summary>
/// What only cgroup v2 shows, asserted where it is: on a machine that mounts it, or in the small one that <c>containers/vm/cgroup-v2</c> boots. Elsewhere they
/// skip, unless LOADLINE_REQUIRE names <c>v2</c>.
/// </summary>
[Trait("Category", "CgroupV2")]
public sealed class CgroupV2Tests(SmallWeights weights) : IAsyncLifetime, IClassFixture<SmallWeights>
{
    private CgroupRuntime? _runtime;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _runtime = await CgroupRuntime.StartAsync(WorkerBinary.Find(), Cancellation);
        }
        catch (RuntimeException e) when (!Requirements.FromEnvironment().Demands(Requirements.CgroupV2))
        {
            Assert.Skip(e.Message);
        }

        if (_runtime!.CgroupVersion == 2) return;
        const string WhyNot = "this machine is on cgroup v1: containers/vm/cgroup-v2 boots one that is on v2";
        if (Requirements.FromEnvironment().Demands(Requirements.CgroupV2)) Assert.Fail(WhyNot);
        Assert.Skip(WhyNot);
    }

    public ValueTask DisposeAsync() => _runtime?.DisposeAsync() ?? default;

    [Fact]
    public async Task Killed_by_memory_max_as_memory_events_counts_it()
    {
        var killed = await LoadAsync("eager", "64MiB", Outcome.Killed);

        killed.Should().BeEquivalentTo(new { Outcome = Outcome.Killed, Pass = true, ExitCode = ExitCodes.Killed, MetBy = "anonymous" }, killed.Message);
        killed.LastTensor.Should().StartWith("blocks.");
        var memory = killed.Memory!;
        memory.CgroupVersion.Should().Be(2);
        memory.Last.KernelBytes.Should().BePositive("version 2 has a line for the kernel's own memory");
        memory.Peaks.ChargedBytes.Should().BeInRange(48 * ByteSize.MiB, 64 * ByteSize.MiB);
        killed.PeakCgroupBytes.Should().BeInRange(60 * ByteSize.MiB, 64 * ByteSize.MiB, "memory.peak stands at memory.max");
        memory.HighEvents.Should().Be(0, "nobody set memory.high");
        memory.StalledSeconds.Should().NotBeNull("the kernel counts pressure");
    }

    [Fact]
    public async Task Mapped_weights_are_taken_back_under_memory_max()
    {
        var mapped = await LoadAsync("mmap-assign", "48MiB", Outcome.Loaded, b => b with { Verify = "digest", PeakAnonymousBytes = 24 * ByteSize.MiB });

        mapped.Pass.Should().BeTrue(mapped.Message);
        // The report is of the load alone, which touches hardly a page; reading them back is seen from outside.
        // Mostly 40 and more; where this is the machine's first program 26 to 28 were seen, with 17 MiB of refaults. Why is not known yet.
        mapped.Memory!.Peaks.ChargedBytes.Should().BeInRange(16 * ByteSize.MiB, 48 * ByteSize.MiB, "the page cache fills what there is");
        mapped.Memory.Peaks.PageCacheBytes.Should().BeGreaterThan(mapped.Memory.Peaks.AnonymousBytes);
    }

    [Fact]
    public async Task Streamed_through_a_ring_onto_an_accelerator()
    {
        var streamed = await LoadAsync("streamed", "48MiB", Outcome.Loaded, b => b with { Device = "sim:1GiB", RingBytes = 8 * ByteSize.MiB, PeakHostBytes = 8 * ByteSize.MiB });

        streamed.Pass.Should().BeTrue(streamed.Message);
        streamed.DeviceBytes.Should().Be(SmallWeights.Bytes);
    }

    [Fact]
    public async Task Thrashed_between_floor_and_comfort_with_refaults_and_pressure_in_each_pass()
    {
        var thrashed = await LoadAsync("mmap-assign", "40MiB", Outcome.Thrashed, b => b with { Passes = 3, Reread = 0.05 });

        thrashed.Pass.Should().BeTrue(thrashed.Message);
        foreach (var pass in thrashed.Passes!.Skip(1))
        {
            pass.Reread.Should().BeInRange(0.9, 1.6);
            pass.Refaults.Should().BeGreaterThan(SmallWeights.Bytes / Environment.SystemPageSize / 2, "pages were lost and read back");
            pass.PressureSeconds.Should().BePositive("the kernel counts who waits for memory");
        }

        thrashed.Memory!.RefaultedBytes.Should().BeGreaterThan(SmallWeights.Bytes);
        thrashed.Memory.StalledSeconds.Should().BePositive();
    }

    [Fact]
    public async Task At_ease_above_the_comfort_nothing_is_read_again()
    {
        var easy = await LoadAsync("mmap-assign", "128MiB", Outcome.Loaded, b => b with { Passes = 3, Reread = 0 });

        easy.Pass.Should().BeTrue(easy.Message);
        easy.Passes!.Skip(1).Sum(pass => pass.Refaults).Should().Be(0);
    }

    [Fact]
    public async Task Four_processes_share_the_pages_of_the_file()
    {
        var four = await LoadAsync("mmap-assign", "128MiB", Outcome.Loaded, b => b with { Processes = 4, Verify = "digest", PeakAnonymousBytes = 96 * ByteSize.MiB }, weights.Tiny);

        four.Pass.Should().BeTrue(four.Message);
    }

    [Fact]
    public async Task A_command_is_killed_and_told_apart_by_class()
    {
        var anonymous = await CappedProgram.RunAsync(["dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"], cap: "64MiB", cancellation: Cancellation);
        anonymous.Should().BeEquivalentTo(new { Killed = true, ExitCode = 137, MetBy = MemoryClass.Anonymous }, anonymous.Report);

        var file = Path.Join("/tmp", $"loadline-{Guid.NewGuid():N}");
        if (MemoryFileSystem.Of("/tmp") is null) return;
        try
        {
            var shared = await CappedProgram.RunAsync(["dd", "if=/dev/zero", $"of={file}", "bs=1M", "count=256"], cap: "64MiB", cancellation: Cancellation);
            shared.Should().BeEquivalentTo(new { Killed = true, MetBy = MemoryClass.Shmem }, shared.Report);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_command_that_lives_has_what_it_read_from_the_disk()
    {
        var run = await CappedProgram.RunAsync(["dd", $"if={weights.Path}", "of=/dev/null", "bs=1M"], cap: "32MiB", cancellation: Cancellation);

        run.Should().BeEquivalentTo(new { Killed = false, ExitCode = 0 }, run.Report);
        run.Memory!.ReadBytes.Should().BeInRange(SmallWeights.Bytes, SmallWeights.Bytes + 16 * ByteSize.MiB);
        run.Memory.Peaks.ChargedBytes.Should().BeInRange(24 * ByteSize.MiB, 32 * ByteSize.MiB);
    }

    [Fact]
    public async Task Memory_high_tells_slow_from_dead()
    {
        // The delay grows with the square of what is over: 5 % cost about two seconds, 100 % would cost minutes.
        var program = new OtherProgram { Command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=42M", "count=1"], HighBytes = 40 * ByteSize.MiB, Timeout = TimeSpan.FromMinutes(3) };

        var slow = (await program.RunAsync(_runtime!, 128 * ByteSize.MiB, cancellation: Cancellation)).Result;
        var dead = (await program.RunAsync(_runtime!, 41 * ByteSize.MiB, cancellation: Cancellation)).Result;

        slow.Outcome.Should().Be(Outcome.Loaded, "it is over memory.high and below memory.max");
        slow.Memory!.HighEvents.Should().BePositive();
        slow.Memory.StalledSeconds.Should().BePositive();
        dead.Should().BeEquivalentTo(new { Outcome = Outcome.Killed, MetBy = "anonymous" });
        dead.Memory!.HighEvents.Should().BePositive("it was slowed down before it was killed");
    }

    [Fact]
    public async Task The_floor_of_mapped_weights_is_the_runtimes_own_and_their_comfort_holds_them_all()
    {
        var reference = Case("mmap-assign", "256MiB", Outcome.Loaded) with { Passes = 2, Checkpoint = "tiny" };
        var view = new Probes();
        var probed = Probed.Load(reference, weights.Tiny, new CaseRunner(_runtime!), plannedBytes: 32 * ByteSize.MiB);

        var found = await new FloorRun(probed, new Prober(probed, view, Cancellation)).FindAsync();

        var told = string.Join(", ", view.Ended.Select(p => $"{ByteSize.Format(p.CapBytes)} {p.Outcome.Name()} {Rereads.Text(p.Reread)}"));
        TestContext.Current.TestOutputHelper!.WriteLine($"floor {ByteSize.Format(found.FloorBytes)}, comfort {Mib(found.ComfortBytes)}: {told}");
        found.FloorBytes.Should().BeInRange(32 * ByteSize.MiB, 48 * ByteSize.MiB, told);
        found.ComfortBytes.Should().BeInRange(found.FloorBytes, 64 * ByteSize.MiB, told);
    }

    [Fact]
    public async Task A_curve_of_three_caps_has_its_two_zones_and_its_comfort()
    {
        var view = new Probes();
        var probed = Probed.Load(Case("mmap-assign", "256MiB", Outcome.Loaded) with { Passes = 2 }, weights.Path, new CaseRunner(_runtime!), plannedBytes: 0);
        var prober = new Prober(probed, view, Cancellation);
        await prober.BeginAsync();

        var line = new CurveLine("mmap-assign", "mapped", []);
        foreach (var cap in new[] { 40, 56, 112 })
        {
            var (probe, run) = await prober.ProbeAsync(cap * ByteSize.MiB);
            line = line.With(CurvePoint.Of(probe, run));
        }

        line.Points.Select(point => point.Outcome).Should().Equal(Outcome.Thrashed, Outcome.Thrashed, Outcome.Loaded);
        line.Points.Take(2).Should().OnlyContain(point => point.Reread > 0.9 && point.PassSeconds > 0);
        line.FloorBytes.Should().Be(40 * ByteSize.MiB);
        line.ComfortBytes.Should().Be(112 * ByteSize.MiB);
    }

    private static BudgetCase Case(string strategy, string cap, Outcome expect) => new()
    {
        Name = $"{strategy} under {cap}",
        Checkpoint = "small",
        Strategy = strategy,
        Device = "cpu",
        CapBytes = ByteSize.Parse(cap),
        Expect = expect,
        Why = "version 2",
        Timeout = TimeSpan.FromMinutes(3),
    };

    private async Task<CaseResult> LoadAsync(string strategy, string cap, Outcome expect, Func<BudgetCase, BudgetCase>? more = null, string? path = null)
    {
        var budget = Case(strategy, cap, expect);
        var run = await new CaseRunner(_runtime!).RunAsync(more?.Invoke(budget) ?? budget, path ?? weights.Path, onEvent: null, Cancellation);
        var (result, memory) = (run.Result, run.Result.Memory);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{budget.Name}: {result.Outcome.Name()}, anonymous {Mib(result.PeakAnonymousBytes)}, memory.peak {Mib(result.PeakCgroupBytes)}, refaulted {Mib(memory?.RefaultedBytes)}, "
            + $"stalled {memory?.StalledSeconds:0.00} s, {result.WallSeconds:0.0} s");
        return result;
    }

    private static string Mib(long? bytes) => bytes is { } value ? ByteSize.Format(value) : "-";

    private sealed class Probes : IFloorView
    {
        public List<FloorProbe> Ended { get; } = [];

        void IFloorView.Started(BudgetCase probe)
        {
        }

        void IFloorView.Saw(WorkerEvent e)
        {
        }

        void IFloorView.Ended(FloorProbe probe, CaseResult run) => Ended.Add(probe);
    }
}
