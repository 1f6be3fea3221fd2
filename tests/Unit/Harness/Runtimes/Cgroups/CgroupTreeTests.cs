using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

public sealed class CgroupTreeTests : IDisposable
{
    private readonly RecordedTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void The_memory_controller_is_found_in_v1_even_beside_a_mounted_v2()
    {
        Record(
            """
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """,
            "4:memory:/user/1\n3:cpuset:/\n0::/\n");

        var tree = CgroupTree.Find(_tree.Root);

        tree.Dialect.Version.Should().Be(1);
        Candidates(tree).Should().Equal("/sys/fs/cgroup/memory/user/1", "/sys/fs/cgroup/memory");
    }

    [Fact]
    public void Controllers_that_share_a_v1_mount_are_told_apart()
    {
        Record("36 31 0:33 / /cg/cpu,memory rw shared:9 master:3 - cgroup cgroup rw,cpu,memory", "4:cpu,memory:/a\n");

        Candidates(CgroupTree.Find(_tree.Root)).Should().Equal("/cg/cpu,memory/a", "/cg/cpu,memory");
    }

    [Fact]
    public void In_v2_the_parent_comes_before_the_root_because_our_own_cgroup_has_processes()
    {
        Record("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate", "0::/user.slice/user-1000.slice/app.scope\n");

        var tree = CgroupTree.Find(_tree.Root);

        tree.Dialect.Version.Should().Be(2);
        Candidates(tree).Should().Equal("/sys/fs/cgroup/user.slice/user-1000.slice", "/sys/fs/cgroup");
    }

    [Fact]
    public void In_v2_the_root_itself_is_all_there_is_to_try()
    {
        Record("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/\n");

        Candidates(CgroupTree.Find(_tree.Root)).Should().Equal("/sys/fs/cgroup");
    }

    [Fact]
    public void In_a_container_the_path_is_taken_from_what_is_mounted()
    {
        Record("35 31 0:32 /docker/c0ffee /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory", "4:memory:/docker/c0ffee/sub\n");

        Candidates(CgroupTree.Find(_tree.Root)).Should().Equal("/sys/fs/cgroup/memory/sub", "/sys/fs/cgroup/memory");
    }

    [Fact]
    public void A_machine_without_cgroups_says_so()
    {
        Record("24 1 254:0 / / rw - ext4 /dev/vda rw", "");
        var find = () => CgroupTree.Find(_tree.Root);

        find.Should().Throw<RuntimeException>().WithMessage("cgroup: no memory controller is mounted: *--runtime docker");
    }

    private void Record(string mountInfo, string cgroup) => _tree.With("proc/self/mountinfo", mountInfo).With("proc/self/cgroup", cgroup);

    private IEnumerable<string> Candidates(CgroupTree tree) => tree.Candidates.Select(path => path[_tree.Root.Length..]);
}
