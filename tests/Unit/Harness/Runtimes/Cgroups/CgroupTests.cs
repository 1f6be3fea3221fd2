using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

public sealed class CgroupTests : IDisposable
{
    private const long Cap = 32 * ByteSize.MiB;

    private readonly RecordedTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void In_v1_ram_and_swap_together_are_limited_to_the_cap()
    {
        V1();
        Create(CgroupDialect.V1);

        Read("run/memory.limit_in_bytes").Should().Be("33554432");
        Read("run/memory.memsw.limit_in_bytes").Should().Be("33554432");
    }

    [Fact]
    public void In_v2_swap_is_turned_off()
    {
        V2();
        Create(CgroupDialect.V2);

        Read("run/memory.max").Should().Be("33554432");
        Read("run/memory.swap.max").Should().Be("0");
    }

    [Fact]
    public void In_v2_a_program_can_be_slowed_down_below_the_cap_and_in_v1_that_is_refused()
    {
        V2().With("run/memory.high", "max\n");
        Cgroup.Create(CgroupDialect.V2, _tree.PathOf("run"), Cap, _tree.Root, highBytes: Cap / 2);
        var v1 = () =>
        {
            V1();
            Cgroup.Create(CgroupDialect.V1, _tree.PathOf("run"), Cap, _tree.Root, highBytes: Cap / 2);
        };

        Read("run/memory.high").Should().Be("16777216");
        v1.Should().Throw<RuntimeException>().WithMessage("cgroup: version 1 has no memory.high: it needs a machine on cgroup v2");
    }

    [Fact]
    public void The_peak_and_the_kills_of_v1_are_read()
    {
        var cgroup = new Cgroup(CgroupDialect.V1, V1().With("run/memory.max_usage_in_bytes", "33554432\n").PathOf("run"));

        cgroup.PeakBytes().Should().Be(33554432);
        cgroup.OomKills().Should().Be(1);
    }

    [Fact]
    public void The_kills_of_v2_are_not_its_attempts()
    {
        var cgroup = new Cgroup(CgroupDialect.V2, V2().With("run/memory.peak", "33554432\n").PathOf("run"));

        cgroup.PeakBytes().Should().Be(33554432);
        cgroup.OomKills().Should().Be(1);
    }

    [Fact]
    public void Kills_in_cgroups_that_a_program_made_below_its_own_count()
    {
        V1().With("run/below/memory.oom_control", "oom_kill 2\n").With("run/below/again/memory.oom_control", "oom_kill 4\n");
        new Cgroup(CgroupDialect.V1, _tree.PathOf("run")).OomKills().Should().Be(7);

        V2().With("run/below/memory.events", "oom_kill 1\n");
        new Cgroup(CgroupDialect.V2, _tree.PathOf("run")).OomKills().Should().Be(1, "version 2 counts descendants itself");
    }

    [Fact]
    public void An_old_kernel_of_v2_records_no_peak() => new Cgroup(CgroupDialect.V2, V2().PathOf("run")).PeakBytes().Should().BeNull();

    [Theory]
    [InlineData(null)]
    [InlineData("low 0\noom 6\n")]
    [InlineData("oom_kill many\n")]
    public void A_missing_counter_is_an_error_and_never_zero(string? events)
    {
        V2();
        File.Delete(_tree.PathOf("run/memory.events"));
        if (events is not null) _tree.With("run/memory.events", events);
        var kills = () => new Cgroup(CgroupDialect.V2, _tree.PathOf("run")).OomKills();

        kills.Should().Throw<RuntimeException>().WithMessage("cgroup: *memory.events*");
    }

    [Fact]
    public void A_lower_limit_above_the_cgroup_is_an_error_in_v1()
    {
        V1().With("run/memory.stat", "cache 0\nhierarchical_memory_limit 16777216\n");
        var create = () => Create(CgroupDialect.V1);

        create.Should().Throw<RuntimeException>().WithMessage("cgroup: */run is to be limited to 32 MiB, but 16 MiB holds there: raise the limit of the cgroups above it");
    }

    [Fact]
    public void A_lower_limit_above_the_cgroup_is_an_error_in_v2()
    {
        V2().With("memory.max", "16777216\n");
        var create = () => Create(CgroupDialect.V2);

        create.Should().Throw<RuntimeException>().WithMessage("*is to be limited to 32 MiB, but 16 MiB holds there*");
    }

    [Fact]
    public void Without_a_limit_of_swap_a_machine_with_swap_is_refused_and_one_without_is_not()
    {
        V2();
        File.Delete(_tree.PathOf("run/memory.swap.max"));
        Create(CgroupDialect.V2);

        _tree.With("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/swapfile\tfile\t1048576\t0\t-2\n");
        var create = () => Create(CgroupDialect.V2);

        create.Should().Throw<RuntimeException>().WithMessage("cgroup: without */memory.swap.max swap would soften the cap: *");
    }

    [Fact]
    public void A_kernel_without_the_limit_is_an_error()
    {
        V2();
        File.Delete(_tree.PathOf("run/memory.max"));
        var create = () => Create(CgroupDialect.V2);

        create.Should().Throw<RuntimeException>().WithMessage("cgroup: *memory.max*");
        File.Exists(_tree.PathOf("run/memory.max")).Should().BeFalse();
    }

    [Fact]
    public void Processes_of_cgroups_below_count_too()
    {
        V2().With("run/cgroup.procs", "12\n13\n").With("run/below/cgroup.procs", "14\n");

        new Cgroup(CgroupDialect.V2, _tree.PathOf("run")).Processes().Should().BeEquivalentTo([12, 13, 14]);
    }

    private RecordedTree V1() => NoSwap()
        .With("run/memory.limit_in_bytes", "9223372036854771712\n")
        .With("run/memory.memsw.limit_in_bytes", "9223372036854771712\n")
        .With("run/memory.stat", "cache 0\nhierarchical_memory_limit 33554432\nhierarchical_memsw_limit 33554432\n")
        .With("run/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");

    private RecordedTree V2() => NoSwap()
        .With("memory.max", "max\n")
        .With("run/memory.max", "max\n")
        .With("run/memory.swap.max", "max\n")
        .With("run/memory.events", "low 0\nhigh 0\nmax 12\noom 6\noom_kill 1\noom_group_kill 0\n");

    private RecordedTree NoSwap() => _tree.With("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");

    private Cgroup Create(CgroupDialect dialect) => Cgroup.Create(dialect, _tree.PathOf("run"), Cap, _tree.Root);

    private string Read(string path) => File.ReadAllText(_tree.PathOf(path));

    [Fact]
    public void Processes_that_cannot_be_named_are_none_to_kill()
    {
        // 0 is one that is dying, and to kill it would be to kill our own process group; one of threads below shows none.
        V2().With("run/cgroup.procs", "0\n41\n").With("run/below/cgroup.procs", "0\n42\n");
        Directory.CreateDirectory(_tree.PathOf("run/threads"));
        File.CreateSymbolicLink(_tree.PathOf("run/threads/cgroup.procs"), "gone");

        new Cgroup(CgroupDialect.V2, _tree.PathOf("run")).Processes().Should().BeEquivalentTo([41, 42]);
    }

    [Fact]
    public void All_are_killed_at_once_where_the_kernel_can()
    {
        var cgroup = new Cgroup(CgroupDialect.V2, V2().With("run/cgroup.kill", "").PathOf("run"));

        cgroup.TryKillAll().Should().BeTrue();
        Read("run/cgroup.kill").Should().Be("1");
        new Cgroup(CgroupDialect.V1, V1().With("old/cgroup.procs", "").PathOf("old")).TryKillAll().Should().BeFalse();
    }
}
