using System.Net.Sockets;
using System.Text;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

/// <summary>Whatever listens where an Engine should: it takes no more memory than an Engine's answers do, and is told in one line.</summary>
public sealed class LyingEngineTests : IDisposable
{
    private const int PieceBytes = 64 << 10;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"Version\":\"", "x", "*broke off: an answer is longer than 4 MiB")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999999999\r\n\r\n{\"Version\":\"", "x", "*broke off: an answer is longer than 4 MiB")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n", "x", "*broke off: an answer is longer than 4 MiB")]
    [InlineData("HTTP/1.1 500 No\r\n\r\n", "e", "*broke off: an answer is longer than 4 MiB")]
    [InlineData("HTTP/1.1 200 OK\r\nX: ", "y", "*broke off: *headers*")]
    [InlineData("HTTP/1.1 200 OK\r\n", "X: y\r\n", "*broke off: *headers*")]
    [InlineData("", "HTTP/1.1 100 Continue\r\n\r\n", "*broke off: *")]
    public async Task An_answer_without_an_end_is_read_no_further_than_answers_go(string begins, string goesOn, string message)
    {
        var path = _folder["engine.sock"];
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var sent = AnswerAsync(listener, begins, goesOn);

        var connect = () => DockerEngine.ConnectAsync(new EngineAddress("unix://" + path), Cancellation);

        (await connect.Should().ThrowAsync<RuntimeException>().WithMessage(message)).Which.Message.Should().NotContain("\n");
        (await sent).Should().BeLessThan(4 * EngineTransport.MostAnswerBytes, "nobody reads on, and what lies between has little room");
    }

    [Theory]
    [InlineData("GET /version", "null", "null is no answer")]
    [InlineData("GET /info", "null", "null is no answer")]
    [InlineData("GET /containers/json", "[null]", "null in a list of containers")]
    [InlineData("GET /version", "{\"ApiVersion\":[]}", "*")]
    public async Task Null_where_a_value_belongs_is_told_in_one_line(string request, string answer, string problem)
    {
        await using var engine = new StandInEngine { Answers = { [request] = (200, answer) } };

        var connect = () => DockerRuntime.ConnectAsync("/bin/sh", engine.Address, Cancellation);

        (await connect.Should().ThrowAsync<RuntimeException>().WithMessage("docker: *does not answer as its API says: " + problem)).Which.Message.Should().NotContain("\n");
    }

    [Fact]
    public async Task What_it_calls_itself_is_one_line()
    {
        await using var engine = new StandInEngine { Info = """{"ServerVersion":"20\n::error::forged","MemoryLimit":true,"SwapLimit":true,"CgroupVersion":"1"}""" };

        await using var runtime = await DockerRuntime.ConnectAsync("/bin/sh", engine.Address, Cancellation);

        runtime.Description.Should().StartWith("docker 20 ::error::forged, cgroup");
    }

    [Fact]
    public async Task A_refusal_of_a_million_characters_is_cut()
    {
        await using var engine = new StandInEngine { Answers = { ["GET /version"] = (500, "{\"message\":\"" + new string('e', 1_000_000) + "\"}") } };

        var connect = () => DockerEngine.ConnectAsync(engine.Address, Cancellation);

        (await connect.Should().ThrowAsync<EngineException>()).Which.Message.Length.Should().BeLessThan(3000);
    }

    private static async Task<long> AnswerAsync(Socket listener, string begins, string goesOn)
    {
        using var connection = await listener.AcceptAsync(Cancellation);
        var piece = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(goesOn, PieceBytes / goesOn.Length)));
        var sent = 0L;
        try
        {
            await connection.ReceiveAsync(new byte[PieceBytes], Cancellation);
            await connection.SendAsync(Encoding.ASCII.GetBytes(begins), Cancellation);
            while (sent < 64 * EngineTransport.MostAnswerBytes) sent += await connection.SendAsync(piece, Cancellation);
        }
        catch (SocketException)
        {
            // Whoever asked has hung up.
        }

        return sent;
    }

    [Fact]
    public async Task A_frame_of_less_than_nothing_is_told_in_one_line()
    {
        await using var engine = new StandInEngine { Output = [[1, 0, 0, 0, 0x80, 0, 0, 0]] };
        await using var runtime = await DockerRuntime.ConnectAsync("/bin/sh", engine.Address, Cancellation);

        var run = () => runtime.RunAsync(
            new ContainerSpec { Command = ["/bin/true"], Image = "some:image", CapBytes = 64 * ByteSize.MiB, Timeout = TimeSpan.FromMinutes(1) }, _ => { }, Cancellation);

        (await run.Should().ThrowAsync<RuntimeException>()).Which.Message.Should().Contain("Invalid frame length").And.NotContain("\n");
    }
}
