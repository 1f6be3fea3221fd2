using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class CgroupHierarchyTests
{
    [Fact]
    public void Folders_lead_from_the_cgroup_up_to_the_mount()
    {
        using var tree = RecordedTree.V2OnASystemdHost();

        CgroupHierarchy.Find(tree.Root)!.Folders.Select(folder => folder[tree.Root.Length..]).Should().Equal(
            "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope",
            "/sys/fs/cgroup/user.slice/user-1000.slice",
            "/sys/fs/cgroup/user.slice",
            "/sys/fs/cgroup");
    }

    [Fact]
    public void Blanks_are_escaped_in_the_mount_table_and_plain_in_the_membership()
    {
        using var tree = new RecordedTree
        {
            ["/proc/self/cgroup"] = "0::/my jobs/a\\b:c\n",
            ["/proc/self/mountinfo"] = "35 24 0:30 /my\\040jobs /mnt/c\\040g rw shared:9 master:1 - cgroup2 none rw\n",
            ["/mnt/c g/a\\b:c/memory.current"] = "1\n",
        };

        CgroupHierarchy.Find(tree.Root)!.Folder.Should().Be(tree.Root + "/mnt/c g/a\\b:c");
    }

    [Fact]
    public void The_mount_that_shows_the_most_ancestors_is_taken()
    {
        using var tree = RecordedTree.V1InDocker();
        tree["/proc/self/mountinfo"] = $"""
            81 77 0:32 /docker/{RecordedTree.Container} /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
            82 77 0:32 / /host/memory ro - cgroup cgroup rw,memory

            """;
        tree[$"/host/memory/docker/{RecordedTree.Container}/memory.usage_in_bytes"] = "1486848\n";

        var folders = CgroupHierarchy.Find(tree.Root)!.Folders;
        folders.Should().HaveCount(3).And.StartWith(tree.Root + "/host/memory/docker/" + RecordedTree.Container);
    }

    [Fact]
    public void A_mount_from_outside_the_cgroup_namespace_is_searched_for_this_process()
    {
        using var tree = new RecordedTree
        {
            ["/proc/self/cgroup"] = "4:memory:/inner\n0::/\n",
            ["/proc/self/mountinfo"] = "35 31 0:32 /../.. /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            ["/sys/fs/cgroup/memory/other/one/inner/cgroup.procs"] = "1\n",
            ["/sys/fs/cgroup/memory/jobs/612edac8/inner/cgroup.procs"] = $"1\n{Environment.ProcessId}\n",
            ["/sys/fs/cgroup/memory/jobs/612edac8/inner/memory.usage_in_bytes"] = "1\n",
        };

        var folders = CgroupHierarchy.Find(tree.Root)!.Folders;
        folders.Should().HaveCount(4).And.StartWith(tree.Root + "/sys/fs/cgroup/memory/jobs/612edac8/inner");
    }

    [Fact]
    public void A_sibling_outside_the_namespace_is_found_where_the_mount_starts_at_their_parent()
    {
        using var tree = new RecordedTree
        {
            ["/proc/self/cgroup"] = "0::/../sibling\n",
            ["/proc/self/mountinfo"] = "35 31 0:32 /.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
            ["/sys/fs/cgroup/sibling/memory.current"] = "1\n",
        };

        CgroupHierarchy.Find(tree.Root)!.Folder.Should().Be(tree.Root + "/sys/fs/cgroup/sibling");
    }

    [Theory]
    [InlineData("/../sibling", "/")]
    [InlineData("/system.slice/a.service", "/docker/444ae13d")]
    [InlineData("/", "/../other")]
    [InlineData("/", "/..")]
    public void A_cgroup_that_no_mount_shows_is_an_error_and_not_a_missing_limit(string cgroup, string mountRoot)
    {
        using var tree = new RecordedTree
        {
            ["/proc/self/cgroup"] = $"0::{cgroup}\n",
            ["/proc/self/mountinfo"] = $"35 31 0:32 {mountRoot} /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
            ["/sys/fs/cgroup/memory.current"] = "1\n",
        };

        Refuses(tree, $"*another part of the cgroup tree ({mountRoot}) than {cgroup}");
    }

    [Fact]
    public void Where_no_cgroup_file_system_is_mounted_there_is_no_hierarchy_and_the_machines_RAM_is_the_limit()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/proc/self/mountinfo"] = "23 1 254:0 / / rw,relatime - ext4 /dev/root rw\n";

        CgroupHierarchy.Find(tree.Root).Should().BeNull();
        CgroupMemory.TryOpen(tree.Root).Should().BeNull();
        MemoryLimit.Effective(tree.Root).Should().Be(RecordedTree.PhysicalBytes);
        MemoryLimit.Free(tree.Root).Should().BePositive();
        tree.Invoking(t => CgroupMemory.Open(t.Root)).Should().Throw<GaugeException>().WithMessage("*no cgroup counts this process's memory*mount the cgroup file system*");
    }

    [Fact]
    public void A_kernel_without_cgroups_has_no_hierarchy()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/proc/self/cgroup"] = null;

        MemoryLimit.Effective(tree.Root).Should().Be(RecordedTree.PhysicalBytes);
    }

    [Fact]
    public void A_kernel_without_the_memory_controller_has_no_hierarchy()
    {
        using var tree = RecordedTree.V1OnAHybridHost();
        tree["/proc/self/cgroup"] = "3:cpuset:/\n0::/\n";

        CgroupHierarchy.Find(tree.Root).Should().BeNull();
    }

    [Theory]
    [InlineData("4:memory\n")]
    [InlineData("4:memory:relative\n")]
    [InlineData("\n")]
    public void A_membership_that_is_none_is_an_error(string text)
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/proc/self/cgroup"] = text;

        Refuses(tree, "*/proc/self/cgroup: line '*' is no cgroup");
    }

    [Theory]
    [InlineData("35 24 0:30 / /sys/fs/cgroup rw\n")]
    [InlineData("35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup\n")]
    [InlineData("- a b c d e\n")]
    public void A_mount_that_is_none_is_an_error(string text)
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/proc/self/mountinfo"] = text;

        Refuses(tree, "*/proc/self/mountinfo: line '*' is no mount");
    }

    private static void Refuses(RecordedTree tree, string message) =>
        tree.Invoking(t => CgroupHierarchy.Find(t.Root)).Should().Throw<GaugeException>().WithMessage(message);
}
