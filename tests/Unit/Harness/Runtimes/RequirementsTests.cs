using Loadline.Harness;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runtimes;

public sealed class RequirementsTests
{
    [Fact]
    public void What_is_listed_is_demanded_and_nothing_else()
    {
        var requirements = Requirements.Parse(" docker, gpu,");

        Requirements.Known.Where(requirements.Demands).Should().Equal("docker", "gpu");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Nothing_is_demanded_by_nothing(string? text) => Requirements.Known.Should().NotContain(name => Requirements.Parse(text).Demands(name));

    [Fact]
    public void A_misspelt_requirement_is_refused()
    {
        var parse = () => Requirements.Parse("dokcer");

        parse.Should().Throw<InputException>().WithMessage("LOADLINE_REQUIRE: 'dokcer' is none of docker, cgroup, gpu, chromium, libtorch, torchsharp, testcontainers, v2, podman, pytorch");
    }
}
