using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

public class LeftCgroupsTests
{
    [Fact]
    public async Task A_hierarchy_that_another_mount_covers_is_one_line()
    {
        var covered = new CgroupTree(CgroupDialect.V1, "/covered/memory", "/covered/memory");

        var sweep = () => LeftCgroups.RemoveAsync(covered);

        await sweep.Should().ThrowAsync<RuntimeException>().WithMessage("cgroup: /covered/memory is mounted but not visible: another mount covers it");
    }
}
