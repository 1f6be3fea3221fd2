using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class CgroupMemoryTests
{
    private const string Leaf = "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope";
    private const string V1Leaf = "/sys/fs/cgroup/memory/jobs/612edac8";

    [Fact]
    public void Version_1_on_a_hybrid_host_reads_the_cgroup_of_the_memory_controller()
    {
        using var tree = RecordedTree.V1OnAHybridHost();
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Version.Should().Be(1);
        cgroup.Folder.Should().Be(tree.Root + V1Leaf);
        cgroup.ReadUsageBytes().Should().Be(83808256);
        cgroup.ReadPeakBytes().Should().Be(100134912);
        cgroup.ReadOomKills().Should().Be(0);
        cgroup.ReadComposition().Should().Be(new CgroupComposition(AnonBytes: 1695744, FileBytes: 81989632, ShmemBytes: 8192));
    }

    [Theory]
    [InlineData("workingset_refault_file 33\n", "some avg10=0.00 avg60=1.25 avg300=0.40 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n", 33L, 2.5)]
    [InlineData("", null, null, null)]
    public void Version_2_counts_refaults_and_pressure_where_the_kernel_keeps_them(string stat, string? pressure, long? refaults, double? seconds)
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        File.AppendAllText(tree.Root + Leaf + "/memory.stat", stat);
        if (pressure is not null) File.WriteAllText(tree.Root + Leaf + "/memory.pressure", pressure);
        using var cgroup = CgroupMemory.Open(tree.Root);

        (cgroup.ReadFileRefaults(), cgroup.ReadPressureSeconds()).Should().Be((refaults, seconds));
    }

    [Fact]
    public void Version_1_counts_the_refaults_of_the_whole_subtree_and_has_no_pressure()
    {
        using var tree = RecordedTree.V1OnAHybridHost();
        File.AppendAllText(tree.Root + V1Leaf + "/memory.stat", "workingset_refault_file 1\ntotal_workingset_refault_file 12\n");
        using var cgroup = CgroupMemory.Open(tree.Root);

        (cgroup.ReadFileRefaults(), cgroup.ReadPressureSeconds()).Should().Be((12, null));
    }

    [Fact]
    public void Another_process_has_a_cgroup_of_its_own()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        const string Other = "/system.slice/docker-c0ffee.scope";
        Directory.CreateDirectory(tree.Root + "/sys/fs/cgroup" + Other);
        File.WriteAllText(tree.Root + $"/sys/fs/cgroup{Other}/memory.current", "4096\n");
        Directory.CreateDirectory(tree.Root + "/proc/77");
        File.WriteAllText(tree.Root + "/proc/77/cgroup", $"0::{Other}\n");

        using var cgroup = CgroupMemory.OpenOf(77, tree.Root);

        (cgroup.Version, cgroup.Folder).Should().Be((2, tree.Root + "/sys/fs/cgroup" + Other));
        cgroup.ReadUsageBytes().Should().Be(4096);
        FluentActions.Invoking(() => CgroupMemory.OpenOf(78, tree.Root)).Should().Throw<GaugeException>();
    }

    [Fact]
    public void Version_1_in_docker_reads_the_mount_itself_as_the_containers_cgroup()
    {
        using var tree = RecordedTree.V1InDocker();
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Folder.Should().Be(tree.Root + "/sys/fs/cgroup/memory");
        cgroup.ReadUsageBytes().Should().Be(1486848);
        cgroup.ReadOomKills().Should().Be(1);
        cgroup.ReadLimitBytes().Should().Be(268435456);
    }

    [Fact]
    public void Version_2_on_a_systemd_host_reads_the_innermost_slice()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Version.Should().Be(2);
        cgroup.Folder.Should().Be(tree.Root + Leaf);
        cgroup.ReadUsageBytes().Should().Be(524288000);
        cgroup.ReadPeakBytes().Should().Be(786432000);
        cgroup.ReadOomKills().Should().Be(1, "one process was killed, though the oom counter says 6");
        cgroup.ReadComposition().Should().Be(new CgroupComposition(AnonBytes: 1695744, FileBytes: 81989632, ShmemBytes: 8192));
    }

    [Fact]
    public void Version_2_in_a_cgroup_namespace_reads_the_root_of_what_it_sees()
    {
        using var tree = RecordedTree.V2InAContainer();
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Folder.Should().Be(tree.Root + "/sys/fs/cgroup");
        cgroup.ReadUsageBytes().Should().Be(3145728);
        cgroup.ReadLimitBytes().Should().Be(536870912);
    }

    [Fact]
    public void A_version_2_leaf_without_the_memory_controller_is_counted_by_the_ancestor_that_has_it()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        tree["/proc/self/cgroup"] = "0::/user.slice/user-1000.slice/session-2.scope/app/leaf\n";
        tree[Leaf + "/app/leaf/cgroup.procs"] = "1\n";
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Folder.Should().Be(tree.Root + Leaf);
    }

    [Fact]
    public void A_kernel_that_keeps_no_peak_gives_none_rather_than_zero()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/sys/fs/cgroup/memory.peak"] = null;
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.ReadPeakBytes().Should().BeNull();
    }

    [Fact]
    public void A_version_1_cgroup_without_its_peak_is_an_error()
    {
        using var tree = RecordedTree.V1InDocker();
        tree["/sys/fs/cgroup/memory/memory.max_usage_in_bytes"] = null;
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Invoking(c => c.ReadPeakBytes()).Should().Throw<GaugeException>().Which.File.Should().EndWith("memory.max_usage_in_bytes");
    }

    [Fact]
    public void A_stat_field_that_is_missing_is_an_error_that_names_file_and_field()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/sys/fs/cgroup/memory.stat"] = "anon 4096\nfile 4096\nshmem_thp 0\n";
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Invoking(c => c.ReadComposition()).Should().Throw<GaugeException>().WithMessage("*/memory.stat: has no field 'shmem'*");
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage\n")]
    [InlineData("-1\n")]
    [InlineData("max\n")]
    [InlineData("99999999999999999999\n")]
    public void A_usage_that_is_no_size_is_an_error(string text)
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/sys/fs/cgroup/memory.current"] = text;
        using var cgroup = CgroupMemory.Open(tree.Root);

        cgroup.Invoking(c => c.ReadUsageBytes()).Should().Throw<GaugeException>().WithMessage("*/memory.current: *");
    }

    [Fact]
    public void The_root_cgroup_of_version_2_counts_nothing_and_the_error_says_what_to_do()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        tree["/proc/self/cgroup"] = "0::/\n";

        var open = () => CgroupMemory.Open(tree.Root);

        open.Should().Throw<GaugeException>().WithMessage("*no cgroup counts this process's memory*systemd-run*");
    }

    [Fact]
    public void Reading_the_usage_allocates_nothing()
    {
        using var tree = RecordedTree.V2InAContainer();
        using var cgroup = CgroupMemory.Open(tree.Root);

        Allocations.Of(() => cgroup.ReadUsageBytes()).Should().Be(0);
    }
}
