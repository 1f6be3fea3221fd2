using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public class EngineAnswerTests
{
    private static readonly string Digest = new('a', 64);

    [Fact]
    public void An_image_is_called_by_its_digest_with_or_without_the_algorithm()
    {
        EngineAnswer.ImageId("sha256:" + Digest).Should().Be("sha256:" + Digest);
        EngineAnswer.ImageId(Digest).Should().Be(Digest);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("../containers/prune")]
    [InlineData("debian:latest")]
    [InlineData("sha256:0123")]
    public void What_could_name_something_else_is_no_image_s_id(string? id) =>
        FluentActions.Invoking(() => EngineAnswer.ImageId(id)).Should().Throw<RuntimeException>().WithMessage("docker: the Engine does not answer as its API says: * is no image's id");
}
