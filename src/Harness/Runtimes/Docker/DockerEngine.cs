using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using Docker.DotNet;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>
/// Docker.DotNet's client of one Engine, at the newest API version that both sides know, and with patience: every failure is a
/// <see cref="RuntimeException"/> of one line.
/// </summary>
internal sealed class DockerEngine : IDisposable
{
    /// <summary>What this harness was tried against.</summary>
    private static readonly System.Version Newest = new(1, 47);

    /// <summary>Docker 20.10, the oldest Engine that tells cgroup versions apart.</summary>
    private static readonly System.Version Oldest = new(1, 41);

    /// <summary>With requests that wait for nothing but the Engine.</summary>
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(60);

    private const int MostReasonChars = 2000;

    private readonly EngineAddress _address;
    private readonly TimeSpan _patience;
    private DockerClient _client;

    private DockerEngine(EngineAddress address, TimeSpan patience)
    {
        (_address, _patience) = (address, patience);
        _client = BuilderOf(address, version: null).Build();
    }

    /// <summary>The API version that both sides speak.</summary>
    public System.Version ApiVersion { get; private set; } = Oldest;

    /// <summary>Reaches the Engine and agrees on a version.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="cancellation">Stops the attempt.</param>
    /// <param name="patience">How long a request may take that waits for nothing but the Engine; null for a minute.</param>
    /// <exception cref="RuntimeException">Nobody answers there, or its API is too old.</exception>
    public static async Task<DockerEngine> ConnectAsync(EngineAddress address, CancellationToken cancellation, TimeSpan? patience = null)
    {
        var engine = new DockerEngine(address, patience ?? UsualPatience);
        try
        {
            await engine.NegotiateAsync(cancellation);
            return engine;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>For a client of this address, with whatever patience.</summary>
    /// <param name="address">Where the Engine listens.</param>
    /// <param name="version">Which API to ask for; null leaves it to the Engine.</param>
    public static DockerClientBuilder BuilderOf(EngineAddress address, System.Version? version) => new DockerClientBuilder()
        // Of a socket nobody asks the name: it is there for HTTP.
        .WithEndpoint(address.SocketPath is null ? new Uri(address.Host) : new Uri("http://engine"))
        .WithApiVersion(version)
        .WithAuthProvider(address.Tls?.Credentials())
        .WithTimeout(Timeout.InfiniteTimeSpan)
        .WithTransportOptions(EngineTransport.Instance, EngineTransport.OptionsFor(address.SocketPath));

    /// <summary>A request that waits for nothing but the Engine.</summary>
    /// <exception cref="EngineException">It refuses.</exception>
    /// <exception cref="RuntimeException">It does not answer in time, breaks off, or makes no sense.</exception>
    public Task<T> AskAsync<T>(Func<DockerClient, CancellationToken, Task<T>> request, CancellationToken cancellation) =>
        RequestAsync(request, _patience, cancellation);

    /// <inheritdoc cref="AskAsync{T}"/>
    public Task AskAsync(Func<DockerClient, CancellationToken, Task> request, CancellationToken cancellation) =>
        RequestAsync(Answered(request), _patience, cancellation);

    /// <summary>A request whose answer may take as long as a program runs.</summary>
    /// <inheritdoc cref="AskAsync{T}" path="/exception"/>
    public Task<T> FollowAsync<T>(Func<DockerClient, CancellationToken, Task<T>> request, CancellationToken cancellation) =>
        RequestAsync(request, Timeout.InfiniteTimeSpan, cancellation);

    /// <inheritdoc cref="FollowAsync{T}"/>
    public Task FollowAsync(Func<DockerClient, CancellationToken, Task> request, CancellationToken cancellation) =>
        RequestAsync(Answered(request), Timeout.InfiniteTimeSpan, cancellation);

    public void Dispose() => _client.Dispose();

    private async Task NegotiateAsync(CancellationToken cancellation)
    {
        var answer = await AskAsync((client, limited) => client.System.GetVersionAsync(limited), cancellation);
        if (!System.Version.TryParse(answer.APIVersion, out var theirs))
            throw new RuntimeException($"docker: what listens at {_address.Host} names no ApiVersion: is it a container Engine?");
        if (theirs < Oldest)
            throw new RuntimeException($"docker: the Engine at {_address.Host} speaks API {theirs}, Loadline needs {Oldest} (Docker 20.10): update it");
        ApiVersion = theirs < Newest ? theirs : Newest;
        _client.Dispose();
        _client = BuilderOf(_address, ApiVersion).Build();
    }

    private async Task<T> RequestAsync<T>(Func<DockerClient, CancellationToken, Task<T>> request, TimeSpan patience, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(patience);
        try
        {
            // "null" is JSON, too.
            return await request(_client, limited.Token) ?? throw new JsonException("null is no answer");
        }
        // The transport shows a cancelled request as one that failed.
        catch (Exception e) when (limited.IsCancellationRequested && e is OperationCanceledException or HttpRequestException or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new RuntimeException($"docker: the Engine at {_address.Host} did not answer within {patience.TotalSeconds:0} s: restart it", e);
        }
        // While a program runs, what it prints goes through code of ours, whose bugs are not the Engine's.
        catch (Exception e) when (patience != Timeout.InfiniteTimeSpan && IsOfAnswer(e))
        {
            throw NoAnswer(e);
        }
        catch (Exception e) when (Explained(e) is { } explained)
        {
            throw explained;
        }
    }

    private static Func<DockerClient, CancellationToken, Task<bool>> Answered(Func<DockerClient, CancellationToken, Task> request) => async (client, limited) =>
    {
        await request(client, limited);
        return true;
    };

    /// <summary>What a refusal, a broken connection, or an answer that makes no sense means to people; null where the exception speaks for itself.</summary>
    private RuntimeException? Explained(Exception e) => e switch
    {
        DockerApiException refusal => new EngineException(refusal),
        HttpRequestException or IOException or AuthenticationException when Cause<AuthenticationException>(e) is { } tls => new RuntimeException(
            $"docker: no TLS with {_address.Host}: {OneLine(tls.Message)}: see DOCKER_CERT_PATH", e),
        HttpRequestException { InnerException: SocketException socket } => Unreachable(socket),
        HttpRequestException or IOException or SocketException => new RuntimeException(
            $"docker: the Engine at {_address.Host} broke off: {OneLine(e.GetBaseException().Message)}", e),
        JsonException or NotSupportedException or InvalidOperationException => NoAnswer(e),
        _ => null,
    };

    // What Docker.DotNet throws at an answer that lacks what it has to have, or has it in another form.
    private static bool IsOfAnswer(Exception e) => e is NullReferenceException or ArgumentException or FormatException or OverflowException or InvalidCastException;

    private RuntimeException NoAnswer(Exception e) => new($"docker: the Engine at {_address.Host} does not answer as its API says: {OneLine(JsonProblem.Of(e))}", e);

    private static T? Cause<T>(Exception e) where T : Exception => e as T ?? (e.InnerException is { } inner ? Cause<T>(inner) : null);

    private RuntimeException Unreachable(SocketException e) => e.SocketErrorCode == SocketError.AccessDenied
        ? new RuntimeException($"docker: no permission for {_address.Host}\n  join the group that owns it (sudo usermod -aG docker $USER, then log in again), or use --runtime cgroup", e)
        : new RuntimeException($"docker: no Engine at {_address.Host}: start it, or use --runtime cgroup", e);

    /// <summary>What an Engine says, on one line, without what steers a terminal, and cut where nobody would read on.</summary>
    internal static string OneLine(string text) =>
        PrintableText.Escape(PrintableText.Shorten(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), MostReasonChars));
}
