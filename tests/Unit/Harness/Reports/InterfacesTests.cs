using Loadline.Harness.Reports;

namespace Loadline.Unit.Harness.Reports;

public class InterfacesTests
{
    [Fact]
    public void Both_versions_name_a_source_for_the_same_figures() =>
        Interfaces.Of(1).Select(i => i.Figure).Should().Equal(Interfaces.Of(2).Select(i => i.Figure));

    [Theory]
    [InlineData(1, "memory.kmem.usage_in_bytes", "memory.peak")]
    [InlineData(2, "memory.peak", "memory.kmem.usage_in_bytes")]
    public void The_page_names_the_interfaces_of_the_version_that_it_was_measured_on(int version, string named, string other)
    {
        var page = ResultPage.Of(Measured.File(Measured.Loaded()) with { Environment = Measured.Environment with { CgroupVersion = version } });

        page.Should().Contain($"Where each figure comes from, on cgroup v{version}").And.Contain(named).And.NotContain(other);
    }

    [Fact]
    public void The_page_says_what_a_cap_does_not_hold() =>
        ResultPage.Of(Measured.File(Measured.Loaded())).Should().Contain("neither the memory of GPUs");
}
