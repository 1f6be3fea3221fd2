using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class SamplerTests : IDisposable
{
    // Far above any machine's need: it only keeps a failure from waiting forever.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly RecordedTree _tree = RecordedTree.V2InAContainer();
    private readonly ProcessMemory _process;
    private readonly CgroupMemory _cgroup;
    private readonly List<MemorySample> _samples = new(capacity: 4096);

    public SamplerTests()
    {
        SetProcess(anonKiB: 1);
        _process = ProcessMemory.OpenFolder(_tree.Root);
        _cgroup = CgroupMemory.Open(_tree.Root);
    }

    [Fact]
    public void A_sample_holds_all_gauges_of_one_moment()
    {
        using var sampler = Make();
        SetProcess(anonKiB: 5);

        sampler.SampleNow();

        var expected = new MemorySample(0, AnonBytes: 5120, FileBytes: 7168, ShmemBytes: 2048, 3145728, HostBytes: 11, DeviceBytes: 13);
        _samples.Should().ContainSingle().Which.Should().Be(expected with { TimestampSeconds = _samples[0].TimestampSeconds });
    }

    [Fact]
    public void The_peak_keeps_the_phase_in_which_it_was_seen()
    {
        using var sampler = Make();
        foreach (var (phase, anon) in new[] { ("open", 3), ("read", 9), ("copy", 9), ("assign", 4) })
        {
            sampler.Phase = phase;
            SetProcess(anon);
            sampler.SampleNow();
        }

        sampler.Peak.UnreclaimableBytes.Should().Be((9 + 2) * 1024);
        sampler.Peak.Should().Be(_samples[1]);
        sampler.PeakPhase.Should().Be("read");
        sampler.Phase.Should().Be("assign");
    }

    [Fact]
    public void The_cgroups_peak_is_the_highest_usage_sampled()
    {
        using var sampler = Make();
        foreach (var usage in new[] { "10\n", "30\n", "20\n" })
        {
            _tree["/sys/fs/cgroup/memory.current"] = usage;
            sampler.SampleNow();
        }

        sampler.PeakCgroupBytes.Should().Be(30);
    }

    [Fact]
    public void Samples_of_all_threads_arrive_one_at_a_time_and_in_order_of_time()
    {
        using var sampler = Make(TimeSpan.FromMilliseconds(1));
        sampler.Start();
        Parallel.For(0, 400, _ => sampler.SampleNow());
        sampler.Stop();

        _samples.Should().HaveCountGreaterThanOrEqualTo(400);
        _samples.Select(s => s.TimestampSeconds).Should().BeInAscendingOrder();
    }

    [Fact]
    public void The_clock_samples_until_it_is_stopped()
    {
        using var reached = new CountdownEvent(3);
        using var sampler = Make(sink: sample =>
        {
            _samples.Add(sample);
            if (!reached.IsSet) reached.Signal();
        });
        sampler.Start();
        reached.Wait(Patience, TestContext.Current.CancellationToken).Should().BeTrue();
        sampler.Stop();

        var count = _samples.Count;
        sampler.Stop();
        _samples.Should().HaveCount(count);
        sampler.SampleNow();
        _samples.Should().HaveCount(count + 1, "samples on demand go on");
    }

    [Fact]
    public void What_fails_on_the_clock_is_thrown_at_stop()
    {
        using var called = new ManualResetEventSlim();
        using var sampler = Make(hostBytes: () =>
        {
            called.Set();
            throw new GaugeException("engine", "has no count");
        });
        sampler.Start();
        called.Wait(Patience, TestContext.Current.CancellationToken).Should().BeTrue();

        sampler.Invoking(s => s.Stop()).Should().Throw<GaugeException>().WithMessage("engine: has no count");
        _samples.Should().BeEmpty("a failed reading is no sample");
    }

    [Fact]
    public void What_fails_on_demand_is_thrown_at_once_and_leaves_the_peak_alone()
    {
        using var sampler = Make();
        _tree["/status"] = "RssAnon:\t1 kB\n";

        sampler.Invoking(s => s.SampleNow()).Should().Throw<GaugeException>().WithMessage("*has no field 'RssFile'*");
        sampler.Peak.Should().Be(default(MemorySample));
    }

    [Fact]
    public void It_starts_once()
    {
        using var sampler = Make();
        sampler.Start();

        sampler.Invoking(s => s.Start()).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void An_interval_below_the_resolution_of_the_clock_is_refused() =>
        this.Invoking(t => t.Make(TimeSpan.Zero)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("interval");

    [Fact]
    public void A_sample_allocates_nothing_on_demand_or_on_the_clock()
    {
        using var process = ProcessMemory.Open();
        using var enough = new CountdownEvent(50);
        var onTheClock = new List<long>(capacity: 4096);
        var collections = GC.CollectionCount(0);
        using var sampler = new Sampler(process, _cgroup, () => 11, () => 13, _ =>
        {
            onTheClock.Add(GC.GetAllocatedBytesForCurrentThread());
            if (!enough.IsSet) enough.Signal();
        }, TimeSpan.FromMilliseconds(1));

        sampler.Start();
        enough.Wait(Patience, TestContext.Current.CancellationToken).Should().BeTrue();
        sampler.Stop();

        // A collection, which any other test may cause, ends what the thread had of the heap, and counts all of it as allocated.
        var grew = onTheClock.Skip(1).Zip(onTheClock.Skip(2)).Count(pair => pair.First != pair.Second);
        grew.Should().BeLessThanOrEqualTo(GC.CollectionCount(0) - collections, "only the first rounds may compile and set up");
        Allocations.Of(sampler.SampleNow).Should().Be(0);
    }

    public void Dispose()
    {
        _process.Dispose();
        _cgroup.Dispose();
        _tree.Dispose();
    }

    private Sampler Make(TimeSpan? interval = null, Action<MemorySample>? sink = null, Func<long>? hostBytes = null) =>
        new(_process, _cgroup, hostBytes ?? (() => 11), () => 13, sink ?? _samples.Add, interval);

    private void SetProcess(int anonKiB)
    {
        _tree["/status"] = $"VmHWM:\t99 kB\nVmRSS:\t{anonKiB + 9} kB\nRssAnon:\t{anonKiB} kB\nRssFile:\t7 kB\nRssShmem:\t2 kB\n";
        _tree["/stat"] = "1 (a) R 1 1 1 0 -1 0 0 0 0 0\n";
    }
}
