using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Unit.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes;

public sealed class RuntimeChooserTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_names_are_those_of_the_command_line() => RuntimeChooser.Names.Should().Equal("auto", "docker", "cgroup");

    [Fact]
    public async Task Another_name_is_refused()
    {
        var choose = () => RuntimeChooser.ChooseAsync("podman", "/no/worker", Cancellation);

        (await choose.Should().ThrowAsync<ArgumentOutOfRangeException>()).WithMessage("the runtime is one of auto, docker, cgroup*");
    }

    [Fact]
    public async Task The_first_that_works_is_taken()
    {
        await using var engine = new StandInEngine();
        var runtime = await RuntimeChooser.FirstThatWorksAsync([() => Fails("docker: no Engine"), () => ConnectAsync(engine), () => Fails("never asked")]);

        runtime.Name.Should().Be("docker");
    }

    [Fact]
    public async Task Taking_another_than_the_first_is_said_in_a_line()
    {
        await using var engine = new StandInEngine();
        var said = new List<string>();

        await using var runtime = await RuntimeChooser.FirstThatWorksAsync([() => Fails("docker: no Engine"), () => ConnectAsync(engine)], note: said.Add);

        said.Should().Equal($"the cap is held by {runtime.Description}: docker: no Engine");
    }

    [Fact]
    public async Task An_Engine_that_somebody_named_and_that_does_not_answer_is_an_error()
    {
        var choose = () => RuntimeChooser.FirstThatWorksAsync([() => Fails("docker: no Engine"), () => Fails("never asked")], named: "DOCKER_HOST");

        (await choose.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: no Engine (DOCKER_HOST names it: correct or unset it, or say --runtime cgroup)");
    }

    [Theory]
    [InlineData("unix:///nope.sock", "", "DOCKER_HOST")]
    [InlineData("ssh://there", "", "DOCKER_HOST")]
    [InlineData("", "elsewhere", "DOCKER_CONTEXT")]
    [InlineData("", "default", null)]
    [InlineData("", "", null)]
    public void What_names_the_Engine_is_known(string host, string context, string? named) =>
        EngineAddress.NamedBy(variable => variable switch { "DOCKER_HOST" => host, "DOCKER_CONTEXT" => context, _ => "/none" }).Should().Be(named);

    [Fact]
    public async Task If_none_works_every_reason_is_given()
    {
        var choose = () => RuntimeChooser.FirstThatWorksAsync([() => Fails("docker: no Engine"), () => Fails("cgroup: no rights")]);

        (await choose.Should().ThrowAsync<RuntimeException>()).WithMessage("no runtime can hold a RAM cap here\n  docker: no Engine\n  cgroup: no rights");
    }

    private static Task<IContainerRuntime> Fails(string why) => Task.FromException<IContainerRuntime>(new RuntimeException(why));

    private static async Task<IContainerRuntime> ConnectAsync(StandInEngine engine) =>
        await DockerRuntime.ConnectAsync("/no/worker", engine.Address, Cancellation);
}
