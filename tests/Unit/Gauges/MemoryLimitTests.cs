using FluentAssertions.Specialized;
using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class MemoryLimitTests
{
    private const string V1 = "/sys/fs/cgroup/memory";
    private const string V2 = "/sys/fs/cgroup";

    [Fact]
    public void Without_a_limit_the_machines_RAM_holds()
    {
        using var tree = RecordedTree.V1OnAHybridHost();

        CgroupHierarchy.Find(tree.Root)!.ReadLimitBytes().Should().BeNull();
        MemoryLimit.Effective(tree.Root).Should().Be(RecordedTree.PhysicalBytes);
    }

    [Fact]
    public void A_limit_above_the_RAM_does_not_make_more_RAM()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree[V2 + "/memory.max"] = "1099511627776\n";

        CgroupHierarchy.Find(tree.Root)!.ReadLimitBytes().Should().Be(1099511627776);
        MemoryLimit.Effective(tree.Root).Should().Be(RecordedTree.PhysicalBytes);
    }

    [Fact]
    public void The_tightest_slice_of_version_2_holds()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        MemoryLimit.Effective(tree.Root).Should().Be(2147483648, "the middle slice allows least");

        tree[V2 + "/user.slice/memory.max"] = "1073741824\n";
        MemoryLimit.Effective(tree.Root).Should().Be(1073741824);

        tree[V2 + "/user.slice/user-1000.slice/session-2.scope/memory.max"] = "0\n";
        MemoryLimit.Effective(tree.Root).Should().Be(0, "zero is a limit as well");
    }

    [Fact]
    public void The_tightest_ancestor_of_version_1_holds()
    {
        using var tree = RecordedTree.V1OnAHybridHost();
        tree[V1 + "/jobs/memory.limit_in_bytes"] = "67108864\n";

        MemoryLimit.Effective(tree.Root).Should().Be(67108864);
    }

    [Fact]
    public void An_ancestor_of_version_1_that_the_container_cannot_see_holds_too()
    {
        using var tree = RecordedTree.V1InDocker();
        tree[V1 + "/memory.stat"] = RecordedTree.V1Stat(limit: 134217728);

        MemoryLimit.Effective(tree.Root).Should().Be(134217728);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    [InlineData(65536)]
    public void No_limit_in_version_1_is_the_largest_number_of_whole_pages(long pageBytes)
    {
        var none = long.MaxValue / pageBytes * pageBytes;
        using var tree = RecordedTree.V1InDocker();
        tree[V1 + "/memory.limit_in_bytes"] = $"{none}\n";
        tree[V1 + "/memory.stat"] = RecordedTree.V1Stat(none);

        CgroupHierarchy.Find(tree.Root)!.ReadLimitBytes().Should().BeNull();
    }

    [Fact]
    public void The_root_cgroup_of_version_2_has_no_limit()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        tree["/proc/self/cgroup"] = "0::/\n";

        MemoryLimit.Effective(tree.Root).Should().Be(RecordedTree.PhysicalBytes);
    }

    [Fact]
    public void A_slice_whose_limit_cannot_be_read_is_an_error()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        tree[V2 + "/user.slice/memory.max"] = null;

        Refusal(tree).Which.File.Should().EndWith("/user.slice/memory.max");
    }

    [Theory]
    [InlineData("unlimited\n")]
    [InlineData("max 1\n")]
    [InlineData("")]
    public void A_limit_that_is_no_size_is_an_error(string text)
    {
        using var tree = RecordedTree.V2InAContainer();
        tree[V2 + "/memory.max"] = text;

        Refusal(tree).WithMessage("*/memory.max: *");
    }

    [Fact]
    public void A_machine_that_does_not_tell_its_RAM_is_an_error()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/proc/meminfo"] = "MemFree: 1 kB\n";

        Refusal(tree).WithMessage("*/proc/meminfo: has no field 'MemTotal'*");
    }

    [Fact]
    public void What_others_hold_below_a_limit_is_not_free()
    {
        using var tree = RecordedTree.V2OnASystemdHost();
        tree[V2 + "/user.slice/memory.stat"] = "anon 3000000000\nfile 5000000000\nshmem 0\n";
        tree[V2 + "/user.slice/user-1000.slice/memory.stat"] = "anon 100\nfile 1000000000\nshmem 20\n";

        MemoryLimit.Free(tree.Root).Should().Be(2147483648 - 120, "the middle slice leaves least; page cache is free");

        tree[V2 + "/user.slice/memory.stat"] = "anon 8000000000\nfile 0\nshmem 89934592\n";
        MemoryLimit.Free(tree.Root).Should().Be(500_000_000, "the outer slice leaves least now");
    }

    [Fact]
    public void Without_a_limit_what_the_machine_has_available_is_free()
    {
        using var tree = RecordedTree.V1OnAHybridHost();

        MemoryLimit.Free(tree.Root).Should().Be(24324112L * 1024);
    }

    private static ExceptionAssertions<GaugeException> Refusal(RecordedTree tree) =>
        tree.Invoking(t => MemoryLimit.Effective(t.Root)).Should().Throw<GaugeException>();
}
