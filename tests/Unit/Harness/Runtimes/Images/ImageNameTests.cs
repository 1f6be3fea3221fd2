using Loadline.Harness.Runtimes.Images;

namespace Loadline.Unit.Harness.Runtimes.Images;

public sealed class ImageNameTests
{
    [Theory]
    [InlineData("loadline-worker", "docker.io/library/loadline-worker:tag")]
    [InlineData("team/loadline-worker:1", "docker.io/team/loadline-worker:1")]
    [InlineData("registry.example/loadline-worker:1", "registry.example/loadline-worker:1")]
    [InlineData("registry:5000/loadline-worker", "registry:5000/loadline-worker:tag")]
    [InlineData("Registry.Example/worker:1", "Registry.Example/worker:1")]
    [InlineData("localhost/loadline-worker:1.2_3", "localhost/loadline-worker:1.2_3")]
    public void A_name_without_a_registry_is_Docker_Hubs_and_one_without_a_tag_gets_the_contents(string text, string full)
    {
        ImageName.ProblemOf(text).Should().BeNull();

        ImageName.Parse(text, otherwise: "tag").Full.Should().Be(full);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Worker")]
    [InlineData("Team/worker")]
    [InlineData("worker:")]
    [InlineData("worker:a b")]
    [InlineData("worker@sha256:00")]
    [InlineData("/worker")]
    [InlineData("worker\n")]
    [InlineData("a//b")]
    public void What_no_registry_would_take_is_refused(string text) => ImageName.ProblemOf(text).Should().StartWith($"'{text}' is no name of an image");

    [Fact]
    public void A_name_is_not_longer_than_registries_allow()
    {
        ImageName.ProblemOf(new string('a', 255)).Should().BeNull();
        ImageName.ProblemOf(new string('a', 256)).Should().NotBeNull();
    }
}
