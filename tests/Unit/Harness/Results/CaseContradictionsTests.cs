using Loadline.Gauges;
using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Results;

/// <summary>What no run writes of a case is refused, and what only looks like that is read.</summary>
public sealed class CaseContradictionsTests : IDisposable
{
    private const string Two = "sim:1GiB,sim:1GiB,cpu,disk";

    private static string ManyLimits => string.Join(',', Enumerable.Range(0, 200).Select(i => $"sim:{i}=1GiB"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Sound))]
    public void A_case_that_only_looks_as_if_it_did_is_read(string what)
    {
        Measured.File(Consistent[what]).Write(_folder["results.json"]);

        ResultFile.Read(_folder["results.json"]).Cases.Should().ContainSingle();
    }

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void A_case_that_contradicts_itself_is_refused(string how)
    {
        Measured.File(Contradicting[how]).Write(_folder["results.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage($"*: case '*' contradicts itself: it {how.TrimEnd('*')}").Which.Message.Should().NotContain("\n");
    }

    public static TheoryData<string> Records => [.. Directory.GetFiles(Path.Combine(Repository.Root, "benchmarks", "record"), "*.json", SearchOption.AllDirectories)
        .Where(path => File.ReadAllText(path).Contains("\"cases\"", StringComparison.Ordinal)).Select(path => Path.GetRelativePath(Repository.Root, path))];

    [Theory]
    [MemberData(nameof(Records))]
    public void What_was_measured_contradicts_nothing(string path) => ResultFile.Read(Path.Combine(Repository.Root, path)).Cases.Should().NotBeEmpty();

    [Theory]
    [InlineData("streamed survives", "measured")]
    [InlineData("another", "skipped again")]
    public void A_case_that_was_skipped_and_stands_there_as_well_is_refused(string name, string also)
    {
        var skipped = new SkippedCase(name, "there is no GPU");
        (Measured.File(Measured.Loaded()) with { Skipped = also == "measured" ? [skipped] : [skipped, skipped] }).Write(_folder["results.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>()
            .WithMessage($"*: case '{name}' contradicts itself: it was skipped, and {also}");
    }

    [Fact]
    public void A_shard_that_was_put_together_is_refused()
    {
        (Measured.File(Measured.Loaded()) with { Shard = new ResultShard(1, 2, ["streamed survives"]), MergedFrom = [] }).Write(_folder["results.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*: is a shard, and was put together from shards");
    }

    [Fact]
    public void Of_several_runs_the_worst_counts_and_the_spread_is_kept()
    {
        var runs = new[] { Measured.Loaded(peakMib: 72), Measured.Loaded(peakMib: 73), Measured.Loaded(peakMib: 71) };

        Noise.Worst(runs).Should().Be(runs[1] with { Noise = new Noise(3, 71 << 20, 73 << 20) });
        Noise.Worst([.. runs, Measured.Missed()]).Pass.Should().BeFalse();
        Noise.Worst([runs[0]]).Should().Be(runs[0]);
        CaseResult[] watched =
        [
            Watched(), Watched() with { PeakAnonymousAtMostBytes = 8 << 20 }, Watched() with { PeakAnonymousAtMostBytes = Watched().CapBytes },
            Watched() with { PeakAnonymousBytes = null, PeakAnonymousAtMostBytes = null },
        ];
        Noise.Worst(watched).Noise.Should().Be(Watched(ByteSize.MiB, 8 * ByteSize.MiB).Noise! with { Runs = 4 });
    }

    public static TheoryData<string> Contradictions => [.. Contradicting.Keys];

    private static Timeline Sampled(long anon) => new([0], [anon], null, null, null, null, [0], ["read"]);

    private static CaseResult Watched(long least, long most) => Watched() with
    {
        Noise = new Noise(3, 1 << 20, 1 << 20) { MinPeakAnonymousAtMostBytes = least, MaxPeakAnonymousAtMostBytes = most },
    };

    // A command, read from outside.
    private static CaseResult Watched() => Measured.Loaded(peakMib: 1, budget: "8MiB").AsCommand() with { PeakAnonymousAtMostBytes = ByteSize.MiB };

    // Its peak is read after all have ended; a container's cgroup is gone by then.
    [Fact]
    public void Where_the_cgroup_outlives_its_program_a_kill_far_from_the_cap_contradicts_itself()
    {
        var killed = KilledCommand with { ExitCode = 137, PeakCgroupBytes = 128 << 20 };

        CaseContradictions.Of(killed).Should().BeNull();
        CaseContradictions.Of(killed, outlives: true).Should().StartWith("passes, killed by its cap of 512MiB, of which its cgroup never held more than 128 MiB");
        CaseContradictions.Of(killed with { PeakCgroupBytes = 500 << 20 }, outlives: true).Should().BeNull();
    }

    private static MemoryTrace Traced(long last) => new()
    {
        CgroupVersion = 2,
        Peaks = new MemoryClasses { AnonymousBytes = 1, ChargedBytes = Math.Min(last, 128 << 20) },
        Last = new MemoryClasses { ChargedBytes = last },
        Grew = new MemoryClasses(),
        GrewSeconds = 0,
    };

    private static CaseResult KilledCommand => Measured.Killed().AsCommand() with
    {
        ExitCode = 0,
        CapBytes = 512 << 20,
        Cap = "512MiB",
    };

    private static Dictionary<string, CaseResult> Contradicting => new()
    {
        ["passes, and is killed where loaded is expected"] = Measured.Loaded() with { Outcome = Outcome.Killed, ExitCode = 137 },
        ["passes, and is loaded where killed is expected"] = Measured.Killed() with { Outcome = Outcome.Loaded, ExitCode = 0, WeightBytes = 1, Seconds = 1 },
        ["passes, and is error"] = Measured.Loaded(budget: null) with { Expect = null, Outcome = Outcome.Error },
        ["passes, and held 90 MiB of anonymous memory where 80MiB is allowed"] = Measured.Loaded(peakMib: 90),
        ["passes, and held 64 MiB of host memory where 1MiB is allowed"] = Measured.Loaded() with { PeakHost = "1MiB" },
        ["held -5 bytes of anonymous memory"] = Measured.Loaded() with { PeakAnonymousBytes = -5, Pass = false },
        ["held -1 bytes of device memory"] = Measured.Loaded() with { DeviceBytes = -1 },
        ["has a cap of -1 bytes"] = Measured.Loaded() with { CapBytes = -1 },
        ["ran between 0 and 1099511627776 bytes under a cap of 134217728"] = Measured.Loaded() with { Noise = new Noise(3, 0, 1L << 40) },
        ["ran between 5 and 4 bytes under a cap of 134217728"] = Measured.Loaded() with { Noise = new Noise(3, 5, 4) },
        ["held 72 MiB of anonymous memory, and at most 1 MiB"] = Measured.Loaded() with { PeakAnonymousAtMostBytes = ByteSize.MiB, Pass = false },
        ["passes, and held 90 MiB of anonymous memory where 80MiB is allowed*"] = Measured.Loaded() with { PeakAnonymousAtMostBytes = 90 * ByteSize.MiB },
        ["passes, and has no reading of anonymous memory where 80MiB is allowed"] = Measured.Loaded() with { PeakAnonymousBytes = null },
        ["is loaded, and tells nothing of its load**"] = Measured.Loaded() with { PeakHost = "80MiB", HostBytes = null },
        ["is loaded, and tells nothing of its load***"] = Measured.Loaded() with { PeakDevice = "4GiB", DeviceBytes = null },
        ["held 72 MiB of anonymous memory, and 90 MiB in phase read"] = Measured.Loaded() with { Phases = [new PhasePeak("read", 90 << 20, 0, 0)] },
        ["passes, and held 75497472 bytes of anonymous memory in the worst of runs up to 94371840"] = Measured.Loaded() with { Noise = new Noise(2, 1, 90 << 20) },
        ["held 64 MiB of host memory, and 65 MiB in phase read"] = Measured.Loaded() with { Phases = [new PhasePeak("read", 1, 65 << 20, 0)] },
        ["held 1646 MiB of device memory, and 2 GiB in phase read"] = Measured.Killed() with { Phases = [new PhasePeak("read", 1, 1, 2L << 30)] },
        ["held 72 MiB of anonymous memory, and 2 GiB in its timeline"] = Measured.Loaded() with { Timeline = Sampled(anon: 1) with { ShmemBytes = [(2L << 30) - 1] } },
        ["held 1646 MiB of device memory, and 2 GiB in its timeline"] = Measured.Loaded() with { Timeline = Sampled(anon: 1) with { DeviceBytes = [2L << 30] } },
        ["held 1 MiB of anonymous memory, and 2 MiB by the counters of its cgroup"] = Watched() with { Memory = Traced(last: 0) with { Peaks = new MemoryClasses { ShmemBytes = 2 << 20 } } },
        ["held at most 4194304 to 1099511627776 bytes in its runs, under a cap of 134217728"] = Watched(4 << 20, 1L << 40),
        ["held at most 8388608 to 4194304 bytes in its runs, under a cap of 134217728"] = Watched(8 << 20, 4 << 20),
        ["held at most * bytes of anonymous memory in runs that held at most 1 to 2"] = Watched(1, 2),
        ["read 0.50 of its weights again in a pass, and has no reading of what it read"] =
            Measured.Loaded() with { Passes = [new PassReport(1, ReadBytes: null, Reread: 0.5, MajorFaults: 0, Refaults: 0, PressureSeconds: 0)] },
        ["passes, and has no reading of what its anonymous memory was at most where 8MiB is allowed"] = Watched() with { PeakAnonymousAtMostBytes = null },
        ["tells of some of its passes what they read again, and not of others"] =
            Measured.Loaded() with { Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(0), Measured.Pass(0) with { ReadBytes = null, Reread = null }] },
        ["read 100 GiB in a pass over 1646 MiB of weights, and - of them"] = Measured.Loaded() with { Passes = [Measured.Pass(1), Measured.Pass(0) with { ReadBytes = 100L << 30, Reread = null }] },
        ["read 100 GiB in a pass over 0 B of weights, and 0.50 of them"] = Measured.Loaded() with { WeightBytes = 0, Passes = [Measured.Pass(0.5) with { ReadBytes = 100L << 30 }] },
        ["is loaded, and tells nothing of its load"] = Measured.Loaded() with { WeightBytes = null },
        ["is loaded, and ended with no exit code"] = Measured.Loaded() with { ExitCode = null },
        ["is loaded, and ended at tensor h.0"] = Measured.Loaded() with { LastTensor = "h.0" },
        ["took 0 seconds, and loaded for 61"] = Measured.Loaded() with { Seconds = 61 },
        ["held 64 MiB of host memory, and more by what it was held for"] = Measured.Loaded() with { Holders = [new Holders("host", 64 << 20, [new HeldForUse("ring", 65 << 20, 1)], [])] },
        ["held 64 MiB of host memory, and more by what it was held for*"] =
            Measured.Loaded() with { Holders = [new Holders("host", 64 << 20, [], [new HeldByTensor("ring", null, 33 << 20), new HeldByTensor("ring", null, 32 << 20)])] },
        ["has -5 by the counters of its cgroup"] = Measured.Killed() with { Memory = Traced(last: 0) with { GrewSeconds = -5 } },
        ["held 75497472 bytes of anonymous memory in runs between 1 and 2"] = Measured.Loaded() with { Noise = new Noise(3, 1, 2) },
        ["held 75497472 bytes of anonymous memory in runs between 75497473 and 75497474"] = Measured.Loaded() with { Noise = new Noise(3, 75497473, 75497474) },
        ["has a budget of 129MiB, above its cap of 128MiB"] = Measured.Loaded(budget: "129MiB"),
        ["has a budget of 1TiB, above its cap of 128MiB"] = Measured.Missed() with { PeakHost = "1TiB" },
        ["has -5 bytes of memory in its cgroup"] = Measured.Loaded() with { PeakCgroupBytes = -5 },
        ["has -6 bytes of weights"] = Measured.Loaded() with { WeightBytes = -6 },
        ["has -7 tensors"] = Measured.Missed() with { Tensors = -7 },
        ["has -8 seconds of loading"] = Measured.Loaded() with { Seconds = -8 },
        ["has -9 bytes on sim:1"] = Measured.Loaded() with { Devices = [new DevicePeak("sim:1", 1, -9)] },
        ["has -1 GPUs"] = Measured.Loaded() with { Gpus = -1 },
        ["has -7 bytes in its timeline"] = Measured.Loaded() with { Timeline = new Timeline([0], [-7], null, null, null, null, [0], ["read"]) },
        ["held 72 MiB of anonymous memory, and 73 MiB in its timeline"] = Measured.Loaded() with { Timeline = Sampled(anon: 73 << 20) },
        ["held 193 MiB of memory in its timeline under a cap of 128MiB"] = Measured.Loaded() with { Timeline = Sampled(anon: 1) with { CgroupBytes = [193 << 20] } },
        ["held 193 MiB of memory by the counters of its cgroup under a cap of 128MiB"] = Measured.Killed() with { Memory = Traced(last: 193 << 20) },
        ["held 72 MiB of anonymous memory, and 80 MiB by the counters of its cgroup"] = Measured.Loaded().AsCommand() with
        {
            PeakAnonymousAtMostBytes = 72 << 20,
            Memory = Traced(last: 1) with { Last = new MemoryClasses { AnonymousBytes = 40 << 20, ShmemBytes = 40 << 20, ChargedBytes = 1 } },
        },
        ["has -3 by the counters of its cgroup"] = Measured.Killed() with { Memory = Traced(last: -3) },
        ["held 64 MiB of host memory, and 65 MiB by who held it"] = Measured.Loaded() with { Holders = [new Holders("host", 65 << 20, [], [])] },
        ["read 100 GiB in a pass over 1 MiB of weights, and 0.00 of them"] =
            Measured.Loaded() with { WeightBytes = 1 << 20, Passes = [FakeEnd.Pass(1, 1 << 20), FakeEnd.Pass(0) with { ReadBytes = 100L << 30 }] },
        ["has no tensor, and 5 bytes of weights"] = Measured.Loaded() with { Tensors = 0, WeightBytes = 5 },
        ["ran 1 times, and tells how far its runs lie apart"] = Measured.Loaded() with { Noise = new Noise(1, 0, 72 << 20) },
        ["has -1 bytes in phase read"] = Measured.Killed() with { Phases = [new PhasePeak("read", 1, -1, 1)] },
        ["has -5 of its weights that a pass read again"] = Measured.Loaded() with { Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(0) with { Reread = -5 }, Measured.Pass(0)] },
        ["has a device 'sim:lots', which is none"] = Measured.Loaded() with { Device = "sim:lots" },
        ["has limits 'all', which are none"] = Measured.Loaded() with { MaxMemory = "all" },
        [$"has limits '{NameList.Shortened(ManyLimits)}', which are none"] = Measured.Loaded() with { MaxMemory = ManyLimits },
        ["held 1646 MiB of device memory on sim:1GiB"] = Measured.Loaded() with { Device = "sim:1GiB" },
        ["held 1646 MiB of device memory on cpu"] = Measured.Loaded() with { Device = "cpu" },
        ["tells of sim:1, and of no limit there"] = Measured.Loaded() with { Device = Two, Devices = [new DevicePeak("sim:1", null, 1)] },
        ["has a limit of 3 MiB on sim:1, and asked for 2 MiB"] = Measured.Loaded() with { Device = Two, MaxMemory = "sim:0=4GiB,sim:1=2MiB", Devices = [new DevicePeak("sim:1", 3 << 20, 1)] },
        ["held 64 MiB of host memory, and 65 MiB on cpu"] = Measured.Loaded() with { Device = Two, Devices = [new DevicePeak("cpu", 1L << 40, 65 << 20)] },
        ["held 1646 MiB of device memory, and 1647 MiB on sim:0"] = Measured.Loaded() with { Devices = [new DevicePeak("sim:0", 4L << 30, 1647L << 20)] },
        ["tells of sim:00, onto which it does not load"] = Measured.Loaded() with { MaxMemory = "sim:0=3GiB", Devices = [new DevicePeak("sim:00", 4L << 30, 1)] },
        ["has 3 GiB on sim:1, which holds 1 GiB"] = Measured.Loaded() with { Device = Two, Devices = [new DevicePeak("sim:1", 3L << 30, 1)] },
        ["passes, and held 1646 MiB of device memory where sim:0=1GiB was asked for"] = Measured.Loaded() with { MaxMemory = "sim:0=1GiB" },
        ["passes, and held 81 MiB of anonymous memory in one of its runs, at most where 80MiB is allowed"] =
            Measured.Loaded() with { Noise = new Noise(2, 70 << 20, 72 << 20) { MinPeakAnonymousAtMostBytes = 71 << 20, MaxPeakAnonymousAtMostBytes = 81 << 20 } },
        ["is loaded, and tells of its load, which nobody knows of a command"] = Watched() with { WeightBytes = 1 },
        ["ran 0 processes"] = Measured.Loaded() with { Processes = 0 },
        ["ran 2 processes, which load onto the cpu, onto 'sim:4GiB'"] = Measured.Loaded() with { Processes = 2 },
        ["passes, and held 2 MiB of memory on sim:1 where 1MiB is allowed"] = Measured.Loaded() with { Device = Two, Devices = [new DevicePeak("sim:1", 1 << 20, 2 << 20)] },
        ["passes, and expects timeout, which no budget does"] = Measured.Loaded() with { Expect = "timeout", Outcome = Outcome.Timeout },
        ["passes, and did not: was limited and missed it"] = Measured.Loaded() with { Message = "was limited\nand missed it" },
        ["has a budget of '40 elephants', which is no size"] = Measured.Loaded(budget: "40 elephants"),
        ["has a cap of 1099511627776 bytes, and says '128MiB'"] = Measured.Loaded() with { CapBytes = 1L << 40 },
        ["has a cap of 134217728 bytes, and says 'much'"] = Measured.Loaded() with { Cap = "much" },
        ["held 193 MiB of anonymous memory under a cap of 128MiB"] = Measured.Loaded(peakMib: 193, budget: null),
        ["held 193 MiB of anonymous memory under a cap of 128MiB*"] = Measured.Loaded() with { PeakAnonymousAtMostBytes = 193 << 20, Pass = false },
        ["held 193 MiB of memory under a cap of 128MiB"] = Measured.Loaded() with { PeakCgroupBytes = 193 << 20 },
        ["is loaded, and ended with exit code 137"] = Measured.Loaded() with { ExitCode = 137 },
        ["is thrashed, and ended with exit code 1"] = Measured.Loaded() with { Expect = "thrashed", Outcome = Outcome.Thrashed, ExitCode = 1 },
        ["is thrashed, and read 0.00 of its weights again where 0.05 is allowed"] =
            Measured.Loaded() with { Expect = "thrashed", Outcome = Outcome.Thrashed, Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(0)] },
        ["is thrashed, and read - of its weights again where 0.05 is allowed"] = Measured.Missed() with { Outcome = Outcome.Thrashed, Reread = 0.05 },
        ["is thrashed, and read - of its weights again where - is allowed"] = Measured.Loaded() with { Expect = "thrashed", Outcome = Outcome.Thrashed },
        ["is thrashed, which nobody knows of a command"] = Measured.Loaded().AsCommand() with { Outcome = Outcome.Thrashed },
        ["is refused, which nobody knows of a command"] = Measured.Killed().AsCommand() with { Outcome = Outcome.Refused, Expect = "refused", ExitCode = 2 },
        ["is killed, and ended with exit code 0"] = Measured.Killed() with { ExitCode = 0 },
        ["is refused, and ended with exit code 0"] = Measured.Killed() with { Outcome = Outcome.Refused, Expect = "refused", ExitCode = 0 },
        ["is refused, and ended with exit code 137"] = Measured.Killed() with { Outcome = Outcome.Refused, Expect = "refused" },
        ["is device-oom, and ended with exit code 2"] = Measured.Killed() with { Outcome = Outcome.DeviceOom, Expect = "device-oom", ExitCode = 2 },
        ["is verification-failed, and ended with exit code 137"] = Measured.Missed() with { Outcome = Outcome.VerificationFailed, ExitCode = 137 },
        ["is device-oom, and ended with exit code 0"] = Measured.Killed() with { Outcome = Outcome.DeviceOom, Pass = false, ExitCode = 0 },
        ["is verification-failed, and ended with exit code 0"] = Measured.Missed() with { Outcome = Outcome.VerificationFailed },
        ["is loaded, and read 1.00 of its weights again where 0.05 is allowed"] = Measured.Loaded() with { Reread = 0.05, Passes = [Measured.Pass(0), Measured.Pass(1)] },
        ["passes, and has no reading of what it read again"] = Measured.Loaded() with { Reread = 0.05 },
        ["passes, and has no reading of what it read again*"] = Measured.Loaded() with { Reread = 0.05, Passes = [Measured.Pass(1)] },
        ["passes, and has no reading of what it read again**"] = Measured.Loaded(budget: null) with { Expect = null, Reread = 0.05 },
        ["is loaded, and did not load: it broke"] = Measured.Loaded() with { Reason = "it broke" },
        ["is loaded, and its cap was met by anonymous"] = Measured.Loaded() with { MetBy = "anonymous" },
        ["has a budget of 80MiB, and expects nothing"] = Measured.Loaded() with { Expect = null },
        ["passes, killed by its cap of 512MiB, of which its cgroup never held more than 128 MiB"] = KilledCommand with { PeakCgroupBytes = 128 << 20 },
        ["passes, killed by its cap of 64MiB, of which its cgroup never held more than 7 MiB"] = KilledCommand with { Cap = "64MiB", CapBytes = 64 << 20, PeakCgroupBytes = 7 << 20 },
        ["passes, and keeps the last lines of its output, which a run keeps of failures"] = Measured.Loaded() with { LastLines = [] },
        ["held 2 MiB of anonymous memory, and 3 MiB by the counters of its cgroup"] = Watched() with
        {
            PeakAnonymousBytes = 2 << 20,
            PeakAnonymousAtMostBytes = 4 << 20,
            Memory = Traced(1) with { Peaks = new MemoryClasses { AnonymousBytes = 3 << 20 } },
        },
        ["is refused, and loaded in 1 seconds"] = Measured.Killed() with { Outcome = Outcome.Refused, Expect = "refused", ExitCode = 2, Reason = "r", Seconds = 1 },
        ["keeps 65 lines of a program's output, where a run keeps 64 at most"] = Measured.Missed() with { LastLines = [.. Enumerable.Repeat("x", 65)] },
        ["keeps a line of 4097 characters, where a run keeps 4096 at most"] = Measured.Missed() with { LastLines = [new string('x', 4097)] },
        ["has neither a strategy nor a command"] = Measured.Loaded() with { Strategy = null },
        ["held 120 MiB before the load, and 72 MiB at its peak"] = Measured.Loaded() with { BaselineAnonymousBytes = 120 << 20 },
        ["held 72 MiB of anonymous memory, and 35 MiB in all"] = Measured.Loaded() with { PeakCgroupBytes = 35 << 20 },
        ["held 72 MiB of anonymous memory, and 1 MiB in all"] = Measured.Loaded() with { PeakRssBytes = 1 << 20 },
        ["took 1 seconds, and has a timeline of 62"] = Measured.Loaded() with { WallSeconds = 1, Timeline = Sampled(anon: 1) with { Milliseconds = [62_000] } },
        ["has counters of version 9 of cgroups"] = Measured.Loaded() with { Memory = Traced(last: 1) with { CgroupVersion = 9 } },
        ["held 3 MiB by the last reading of its cgroup, and 2 MiB at the peak"] = Measured.Killed() with { Memory = Traced(last: 2 << 20) with { Last = new MemoryClasses { ChargedBytes = 3 << 20 } } },
        ["is loaded, and tells nothing of sim:1"] = Measured.Loaded() with { Strategy = "device-map", Device = "sim:4GiB,sim:1GiB,disk", MaxMemory = "sim:1=1MiB", Devices = [new DevicePeak("sim:0", 1 << 20, 1 << 20)] },
        ["is loaded, and tells nothing of cpu"] = Measured.Loaded() with { Strategy = "device-map", Device = "cpu,disk", MaxMemory = "cpu=1MiB", DeviceBytes = 0 },
        ["tells of sim:1 twice"] = Measured.Loaded() with { Device = Two, Devices = [new DevicePeak("sim:1", 2, 1), new DevicePeak("sim:1", 2, 1)] },
        ["tells of 129 devices"] = Measured.Loaded() with { Device = Two, Devices = [.. Enumerable.Range(0, 129).Select(i => new DevicePeak($"sim:{i}", 2, 1))] },
        ["held 0 bytes in one of its runs, and 40000000 before the load"] = Measured.Loaded() with { BaselineAnonymousBytes = 40_000_000, Noise = new Noise(3, 0, 72 << 20) },
        ["is loaded, and took 304 seconds where 3 are allowed"] = Measured.Loaded() with { Timeout = "3s", WallSeconds = 304 },
        ["is loaded, and took 900 seconds where 572.2 are allowed"] = Measured.Loaded() with { Timeout = "572.2s", WallSeconds = 900 },
        ["has a command, and verify, which is the worker's"] = Watched() with { Verify = "digest" },
        ["has a command, and device, which is the worker's"] = Watched() with { Device = "cuda:0" },
        ["is loaded, and tells of its load, which nobody knows of a command***"] = Watched() with { Library = "libtorch 2.6.0" },
        ["has a strategy and a command"] = Watched() with { Strategy = "eager" },
        ["is loaded, and tells of its load, which nobody knows of a command*"] = Watched() with { PeakRssBytes = 600 << 20 },
        ["is loaded, and tells of its load, which nobody knows of a command**"] = Watched() with { Format = "pth" },
        ["met its cap by pony, which is no class of memory"] = KilledCommand with { MetBy = "pony" },
        // Both are of what the peak is of.
        ["held 1 MiB of anonymous memory, and 60 MiB by the counters of its cgroup"] = Watched() with
        {
            PeakAnonymous = null,
            PeakAnonymousAtMostBytes = null,
            Memory = Traced(1) with { Peaks = new MemoryClasses { ShmemBytes = 60 << 20, ChargedBytes = 60 << 20 } },
        },
        ["held 60 MiB by the last reading of its cgroup, and 0 B at the peak"] = Watched() with { Memory = Traced(1) with { Last = new MemoryClasses { PageCacheBytes = 60 << 20, ChargedBytes = 1 } } },
        ["held 1 GiB of memory by the counters of its cgroup under a cap of 128MiB"] = Watched() with { Memory = Traced(1) with { Peaks = new MemoryClasses { AnonymousBytes = 1, ChargedBytes = 1, KernelBytes = 1 << 30 } } },
        ["held 20 MiB of anonymous memory, and 1 MiB in all"] = Watched() with { PeakAnonymous = null, PeakAnonymousBytes = 20 << 20, PeakAnonymousAtMostBytes = 20 << 20, PeakCgroupBytes = 1 << 20 },
        ["took -5 seconds"] = Measured.Loaded() with { WallSeconds = -5 },
    };

    /// <summary>What looks like one, and a run writes.</summary>
    public static TheoryData<string> Sound => [.. Consistent.Keys];

    private static Dictionary<string, CaseResult> Consistent => new()
    {
        ["a command that went on without the process that its cap took"] = Measured.Killed().AsCommand() with { ExitCode = 0 },
        ["a pod that ended nowhere"] = Measured.Missed() with { Outcome = Outcome.Error, ExitCode = null, PeakAnonymousBytes = null },
        ["a program that ignored its timeout and ended well"] = Measured.Missed() with { Outcome = Outcome.Timeout },
        ["exit code 0 without a report"] = Measured.Missed() with { Outcome = Outcome.Error },
        ["a kill that was expected and had no reading"] = Measured.Killed() with { PeakAnonymousBytes = null },
        ["a kill of which the last reading came early"] = KilledCommand with { PeakCgroupBytes = 300 << 20 },
        ["a kill while weights were used"] = Measured.Killed() with { CapBytes = 512 << 20, Cap = "512MiB", PeakCgroupBytes = 128 << 20 },
        ["sixty last lines"] = Measured.Missed() with { LastLines = [.. Enumerable.Repeat(new string('x', 3000), 60)] },
        ["a charge that the kernel let pass"] = Measured.Loaded() with { PeakCgroupBytes = 190 << 20 },
        ["nobody expects anything"] = Measured.Loaded(budget: null) with { Expect = null },
        ["a first pass that reads all, and a later one that may"] = Measured.Loaded() with { Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(0.05)] },
        ["a device at its limit, and a disk without one"] = Measured.Loaded() with { Device = Two, Devices = [new DevicePeak("sim:1", 1 << 20, 1 << 20), new DevicePeak("disk", null, 1L << 40)] },
        ["several processes, on the cpu"] = Measured.Killed() with { Device = "cpu", DeviceBytes = null, Processes = 2 },
        ["several processes, of which one's resident memory is less"] = Measured.Loaded() with { Device = "cpu", DeviceBytes = 0, Processes = 2, PeakRssBytes = 9 << 20, Phases = null, Timeline = null },
        ["a runtime that gave back a little before it loaded"] = Measured.Loaded() with { BaselineAnonymousBytes = 80 << 20 },
        ["a timeline by another clock"] = Measured.Loaded() with { WallSeconds = 2, Timeline = Sampled(anon: 1) with { Milliseconds = [60_000] } },
        ["a long load under a timeout that was made of its weights' size"] = Measured.Loaded() with { Timeout = "572.2045898s", WallSeconds = 426.5 },
        ["a timeout that nobody reads"] = Measured.Loaded() with { Timeout = "long", WallSeconds = 5000 },
        ["several simulated devices"] = Measured.Loaded() with { Device = Two, MaxMemory = "sim:0=1GiB", Devices = [new DevicePeak("sim:0", 1 << 30, 1 << 20)] },
        ["a refusal that was expected, and why"] = Measured.Killed() with { Outcome = Outcome.Refused, Expect = "refused", ExitCode = 2, Reason = "it is no checkpoint" },
        ["a device that was full"] = Measured.Killed() with { Outcome = Outcome.DeviceOom, Expect = "device-oom", ExitCode = 4, Reason = "sim:0 is full" },
        ["weights that are others"] = Measured.Missed() with { Outcome = Outcome.VerificationFailed, ExitCode = 5 },
        ["a load that thrashes as expected"] =
            Measured.Loaded() with { Expect = "thrashed", Outcome = Outcome.Thrashed, Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(1)] },
        ["a load that thrashes where it was not to"] = Measured.Missed() with { Outcome = Outcome.Thrashed, Reread = 0.05, Passes = [Measured.Pass(1), Measured.Pass(1)] },
        ["a kill and what met the cap"] = Measured.Killed() with { MetBy = "anonymous" },
        ["a device budget far above the cap"] = Measured.Loaded() with { PeakDevice = "4GiB" },
        ["a budget of all that the cap allows"] = Measured.Loaded(budget: "128MiB"),
        ["a budget to the byte"] = Measured.Loaded(budget: "75497472B"),
        ["runs of which one missed"] = Measured.Missed() with { Noise = new Noise(3, 50 << 20, 72 << 20) },
    };
}
