using System.Net;
using System.Net.Sockets;
using Docker.DotNet.Models;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public sealed class DockerEngineTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.41", "/v1.41/info")]
    [InlineData("1.44", "/v1.44/info")]
    [InlineData("1.52", "/v1.47/info")]
    public async Task The_older_of_both_sides_versions_is_spoken(string theirs, string expected)
    {
        await using var engine = new StandInEngine { ApiVersion = theirs };
        using var client = await DockerEngine.ConnectAsync(engine.Address, Cancellation);
        await InfoAsync(client);

        engine.Requests.Should().Equal("GET /version", "GET " + expected);
    }

    [Fact]
    public async Task An_engine_that_is_too_old_is_refused()
    {
        await using var engine = new StandInEngine { ApiVersion = "1.40" };

        await ShouldFailAsync(engine.Address, "docker: the Engine at * speaks API 1.40, Loadline needs 1.41 (Docker 20.10): update it");
    }

    [Fact]
    public async Task A_missing_socket_says_what_to_do() =>
        await ShouldFailAsync(new EngineAddress("unix:///no/such.sock"), "docker: no Engine at unix:///no/such.sock: start it, or use --runtime cgroup");

    [Fact]
    public async Task A_socket_that_nobody_listens_on_says_what_to_do()
    {
        var engine = new StandInEngine();
        await engine.DisposeAsync();

        await ShouldFailAsync(engine.Address, "docker: no Engine at unix://*: start it, or use --runtime cgroup");
    }

    [Fact]
    public async Task What_is_no_Engine_is_told_from_one()
    {
        await using var engine = new StandInEngine { Answers = { ["GET /version"] = (200, "{}") } };

        await ShouldFailAsync(engine.Address, "docker: what listens at unix://* names no ApiVersion: is it a container Engine?");
    }

    [Fact]
    public async Task A_port_that_nobody_listens_on_says_what_to_do()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();

        await ShouldFailAsync(new EngineAddress($"tcp://127.0.0.1:{port}"), $"docker: no Engine at tcp://127.0.0.1:{port}: start it, or use --runtime cgroup");
    }

    [Fact]
    public async Task A_proxy_for_the_web_is_none_for_the_Engine()
    {
        var usual = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy("http://127.0.0.1:1");
        try
        {
            await using var engine = new StandInEngine(Listening.Tcp);
            using var client = await DockerEngine.ConnectAsync(engine.Address, Cancellation);

            engine.Requests.Should().Equal("GET /version");
        }
        finally
        {
            HttpClient.DefaultProxy = usual;
        }
    }

    [Fact]
    public async Task An_answer_that_is_no_json_is_an_error()
    {
        await using var engine = new StandInEngine { Info = "<html>" };
        using var client = await DockerEngine.ConnectAsync(engine.Address, Cancellation);
        var get = () => InfoAsync(client);

        (await get.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: the Engine at * does not answer as its API says*");
    }

    private static Task<SystemInfoResponse> InfoAsync(DockerEngine engine) =>
        engine.AskAsync((client, limited) => client.System.GetSystemInfoAsync(limited), Cancellation);

    private static async Task ShouldFailAsync(EngineAddress address, string expected)
    {
        var connect = () => DockerEngine.ConnectAsync(address, Cancellation);
        (await connect.Should().ThrowAsync<RuntimeException>()).WithMessage(expected);
    }
}
