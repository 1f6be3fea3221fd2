using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public sealed class EngineClientTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.41", "/v1.41/info")]
    [InlineData("1.44", "/v1.44/info")]
    [InlineData("1.52", "/v1.47/info")]
    public async Task The_older_of_both_sides_versions_is_spoken(string theirs, string expected)
    {
        await using var engine = new StandInEngine { ApiVersion = theirs };
        using var client = await EngineClient.ConnectAsync(new EngineAddress("unix://" + engine.SocketPath), Cancellation);
        await client.GetAsync("/info", EngineJson.Default.EngineInfo, Cancellation);

        engine.Requests.Should().Equal("GET /_ping", "GET " + expected);
    }

    [Fact]
    public async Task An_engine_that_is_too_old_is_refused()
    {
        await using var engine = new StandInEngine { ApiVersion = "1.40" };

        await ShouldFailAsync(new EngineAddress("unix://" + engine.SocketPath), "docker: the Engine at * speaks API 1.40, Loadline needs 1.41 (Docker 20.10): update it");
    }

    [Fact]
    public async Task A_missing_socket_says_what_to_do() =>
        await ShouldFailAsync(new EngineAddress("unix:///no/such.sock"), "docker: no Engine at unix:///no/such.sock: start it, or use --runtime cgroup");

    [Fact]
    public async Task A_socket_that_nobody_listens_on_says_what_to_do()
    {
        var engine = new StandInEngine();
        await engine.DisposeAsync();

        await ShouldFailAsync(new EngineAddress("unix://" + engine.SocketPath), "docker: no Engine at unix://*: start it, or use --runtime cgroup");
    }

    [Fact]
    public async Task An_answer_that_is_no_json_is_an_error()
    {
        await using var engine = new StandInEngine { Info = "<html>" };
        using var client = await EngineClient.ConnectAsync(new EngineAddress("unix://" + engine.SocketPath), Cancellation);
        var get = () => client.GetAsync("/info", EngineJson.Default.EngineInfo, Cancellation);

        (await get.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: the Engine at * does not answer as its API says*");
    }

    private static async Task ShouldFailAsync(EngineAddress address, string expected)
    {
        var connect = () => EngineClient.ConnectAsync(address, Cancellation);
        (await connect.Should().ThrowAsync<RuntimeException>()).WithMessage(expected);
    }
}
