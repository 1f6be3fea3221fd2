using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

/// <summary>How a <see cref="StandInEngine"/> is reached.</summary>
internal enum Listening
{
    Unix,
    Tcp,
}

/// <summary>An Engine in this process, on a socket of its own: it answers as it is told, has one container and remembers what it was asked.</summary>
internal sealed class StandInEngine : IAsyncDisposable
{
    /// <summary>The id of an image that is made.</summary>
    public const string MadeImage = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private readonly Socket _listener;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly CancellationTokenSource _stop = new();
    private readonly TemporaryFolder _folder = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _serving;
    private int _asked;

    /// <param name="at">On a socket, or on a port of this machine.</param>
    /// <param name="tls">What it shows, and asks for, over tcp; null speaks plainly.</param>
    public StandInEngine(Listening at = Listening.Unix, SslServerAuthenticationOptions? tls = null)
    {
        _tls = tls;
        _listener = at == Listening.Unix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(at == Listening.Unix ? new UnixDomainSocketEndPoint(SocketPath) : new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Host = _listener.LocalEndPoint is IPEndPoint { Port: var port } ? $"tcp://localhost:{port}" : "unix://" + SocketPath;
        _serving = ServeAsync();
    }

    /// <summary>As <c>DOCKER_HOST</c> names it.</summary>
    public string Host { get; }

    /// <summary>Without TLS.</summary>
    public EngineAddress Address => new(Host);

    public string SocketPath => _folder["engine.sock"];

    public string ApiVersion { get; init; } = "1.41";

    public string Info { get; init; } = """{"ServerVersion":"20.10.24","MemoryLimit":true,"SwapLimit":true,"CgroupVersion":"1","Unknown":{}}""";

    public string Created { get; init; } = """{"Id":"c0ffee","Warnings":null}""";

    public string Containers { get; init; } = "[]";

    public string State { get; init; } = """{"OOMKilled":false,"ExitCode":0}""";

    public string Events { get; init; } = "";

    public bool RunsForever { get; init; }

    /// <summary>Pieces of the output stream, each written by itself.</summary>
    public IReadOnlyList<byte[]> Output { get; init; } = [];

    /// <summary>Answers that replace the usual ones, by "METHOD /path" as far as it matters: a beginning of it.</summary>
    public Dictionary<string, (int Status, string Body)> Answers { get; } = [];

    /// <summary>The same, but only for the first request.</summary>
    public ConcurrentDictionary<string, (int Status, string Body)> FirstAnswers { get; } = new();

    /// <summary>The request, "METHOD /path" as far as it matters, at which the Engine goes away: every connection breaks, and nobody listens any more.</summary>
    public string? GoneAt { get; init; }

    /// <summary>How often that request is answered before.</summary>
    public int GoneAfter { get; init; }

    /// <summary>Whether it goes away once the container has written its output.</summary>
    public bool IsGoneAfterOutput { get; init; }

    /// <summary>A request that is never answered.</summary>
    public string? SilentAt { get; init; }

    /// <summary>"METHOD /path?query", in the order of arrival.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The body of the last request of its kind, by "METHOD /path" without version and query.</summary>
    public ConcurrentDictionary<string, string> Bodies { get; } = new();

    public int IndexOf(string request) => Requests.ToList().FindIndex(r => r.Contains(request, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
        _folder.Dispose();
    }

    private async Task GoAwayAsync()
    {
        _listener.Dispose();
        await _stop.CancelAsync();
        _stop.Token.ThrowIfCancellationRequested();
    }

    private async Task ServeAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(AnswerAsync(await _listener.AcceptAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Over while it waited for a connection, or between two of them.
            await Task.WhenAll(connections);
        }
    }

    private async Task AnswerAsync(Socket connection)
    {
        try
        {
            await using var plain = new NetworkStream(connection, ownsSocket: true);
            await using var stream = await SecuredAsync(plain);
            var (method, target, body) = await ReadRequestAsync(stream);
            var path = target.Split('?')[0];
            var unversioned = path.StartsWith("/v1.", StringComparison.Ordinal) ? path[path.IndexOf('/', 1)..] : path;
            Requests.Enqueue($"{method} {target}");
            Bodies[$"{method} {unversioned}"] = body;
            if (Is(GoneAt) && Interlocked.Increment(ref _asked) > GoneAfter) await GoAwayAsync();
            if (Is(SilentAt)) await Task.Delay(Timeout.Infinite, _stop.Token);

            if (FirstAnswers.TryRemove($"{method} {unversioned}", out var first))
                await WriteAsync(stream, first.Status, first.Body);
            else if (Answers.FirstOrDefault(a => $"{method} {unversioned}".StartsWith(a.Key, StringComparison.Ordinal)) is { Key: not null } answer)
                await WriteAsync(stream, answer.Value.Status, answer.Value.Body);
            else
                await AnswerAsync(stream, $"{method} {unversioned}");

            bool Is(string? request) => request is not null && $"{method} {unversioned}".StartsWith(request, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or AuthenticationException)
        {
            // The client hung up, or the test is over.
        }
    }

    private async Task<Stream> SecuredAsync(Stream plain)
    {
        if (_tls is null) return plain;
        var secured = new SslStream(plain);
        await secured.AuthenticateAsServerAsync(_tls, _stop.Token);
        return secured;
    }

    private async Task AnswerAsync(Stream stream, string request)
    {
        switch (request)
        {
            case "GET /version": await WriteAsync(stream, 200, $$"""{"ApiVersion":"{{ApiVersion}}"}"""); break;
            case "GET /info": await WriteAsync(stream, 200, Info); break;
            case "GET /images/json": await WriteAsync(stream, 200, "[]"); break;
            case "POST /images/create": await WriteAsync(stream, 200, $$"""{"status":"{{MadeImage}}"}"""); break;
            case "GET /containers/json": await WriteAsync(stream, 200, Containers); break;
            case "GET /events": await WriteAsync(stream, 200, Events); break;
            case "POST /containers/create": await WriteAsync(stream, 201, Created); break;
            case "GET /containers/c0ffee/json": await WriteAsync(stream, 200, $$"""{"Config":{"Tty":false},"State":{{State}}}"""); break;
            case "POST /containers/c0ffee/start":
                _started.TrySetResult();
                if (!RunsForever) _ended.TrySetResult();
                await WriteAsync(stream, 204, "");
                break;
            case "POST /containers/c0ffee/kill":
            case "DELETE /containers/c0ffee":
                _ended.TrySetResult();
                await WriteAsync(stream, 204, "");
                break;
            case "POST /containers/c0ffee/attach":
                await WriteHeadAsync(stream, 200);
                await _started.Task.WaitAsync(_stop.Token);
                foreach (var piece in Output) await stream.WriteAsync(piece, _stop.Token);
                if (IsGoneAfterOutput) await GoAwayAsync();
                await _ended.Task.WaitAsync(_stop.Token);
                break;
            case "POST /containers/c0ffee/wait":
                await WriteHeadAsync(stream, 200);
                await _ended.Task.WaitAsync(_stop.Token);
                await stream.WriteAsync("""{"StatusCode":0}"""u8.ToArray(), _stop.Token);
                break;
            default: await WriteAsync(stream, request.StartsWith("DELETE", StringComparison.Ordinal) ? 204 : 404, """{"message":"no such thing"}"""); break;
        }
    }

    private async Task WriteAsync(Stream stream, int status, string body)
    {
        await WriteHeadAsync(stream, status);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(body), _stop.Token);
    }

    // Without a length a body ends with its connection, as the Engine's own streams do.
    private async Task WriteHeadAsync(Stream stream, int status) => await stream.WriteAsync(
        Encoding.ASCII.GetBytes($"HTTP/1.1 {status} Status\r\nConnection: close\r\n\r\n"), _stop.Token);

    private async Task<(string Method, string Target, string Body)> ReadRequestAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
            head.Append((char)one[0]);
        }

        var lines = head.ToString().Split("\r\n");
        var length = lines.FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))?.Split(' ')[1];
        var body = new byte[int.Parse(length ?? "0", System.Globalization.CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return (lines[0].Split(' ')[0], lines[0].Split(' ')[1], Encoding.UTF8.GetString(body));
    }
}
