using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>HTTP to a container Engine, at the newest API version that both sides know. Every failure is a <see cref="RuntimeException"/>.</summary>
internal sealed class EngineClient : IDisposable
{
    /// <summary>What this client was written against.</summary>
    private static readonly Version Newest = new(1, 47);

    /// <summary>Docker 20.10, the oldest Engine that tells cgroup versions apart.</summary>
    private static readonly Version Oldest = new(1, 41);

    /// <summary>With requests that wait for nothing but the Engine.</summary>
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(60);

    private readonly EngineAddress _address;
    private readonly TimeSpan _patience;
    private readonly HttpClient _http;
    private string _prefix = "";

    private EngineClient(EngineAddress address, TimeSpan patience)
    {
        (_address, _patience) = (address, patience);
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (address.SocketPath is { } path) handler.ConnectCallback = async (_, cancellation) => await OpenSocketAsync(path, cancellation);
        _http = new HttpClient(handler) { BaseAddress = address.BaseUri, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The API version that both sides speak.</summary>
    public Version Version { get; private set; } = Oldest;

    /// <summary>Reaches the Engine and agrees on a version.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="cancellation">Stops the attempt.</param>
    /// <param name="patience">How long a request may take that waits for nothing but the Engine; null for a minute.</param>
    /// <exception cref="RuntimeException">Nobody answers there, or its API is too old.</exception>
    public static async Task<EngineClient> ConnectAsync(EngineAddress address, CancellationToken cancellation, TimeSpan? patience = null)
    {
        var client = new EngineClient(address, patience ?? UsualPatience);
        try
        {
            await client.NegotiateAsync(cancellation);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>GET, the answer read as JSON.</summary>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        PatientlyAsync(
            async limited =>
            {
                using var response = await RequestAsync(HttpMethod.Get, path, null, limited);
                return await ReadAsync(response, type, limited);
            },
            cancellation);

    /// <summary>POST of JSON, the answer read as JSON.</summary>
    public Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellation) =>
        PatientlyAsync(
            async limited =>
            {
                using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, bodyType));
                content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                using var response = await RequestAsync(HttpMethod.Post, path, content, limited);
                return await ReadAsync(response, answerType, limited);
            },
            cancellation);

    /// <summary>A request whose answer says nothing.</summary>
    public Task SendAsync(HttpMethod method, string path, CancellationToken cancellation) =>
        PatientlyAsync(
            async limited =>
            {
                using var response = await RequestAsync(method, path, null, limited);
                return response.StatusCode;
            },
            cancellation);

    /// <summary>A request whose answer may take as long as the program runs: returns once the Engine has begun to answer.</summary>
    public Task<HttpResponseMessage> OpenAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation) =>
        PatientlyAsync(limited => RequestAsync(method, path, content, limited), cancellation);

    /// <summary>Reads an answer that <see cref="OpenAsync"/> has begun.</summary>
    public Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation) => ReadAsync(
        response,
        async body => await JsonSerializer.DeserializeAsync(body, type, cancellation) ?? throw new JsonException("null"),
        cancellation);

    /// <summary>Reads an answer that is a stream.</summary>
    public async Task<T> ReadAsync<T>(HttpResponseMessage response, Func<Stream, Task<T>> read, CancellationToken cancellation)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            return await read(body);
        }
        catch (Exception e) when (Explained(e) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Reads an answer that is a stream.</summary>
    public Task ReadAsync(HttpResponseMessage response, Func<Stream, Task> read, CancellationToken cancellation) => ReadAsync(
        response,
        async body =>
        {
            await read(body);
            return true;
        },
        cancellation);

    public void Dispose() => _http.Dispose();

    private async Task NegotiateAsync(CancellationToken cancellation)
    {
        var text = await PatientlyAsync(
            async limited =>
            {
                using var response = await RequestAsync(HttpMethod.Get, "/_ping", null, limited);
                return response.Headers.TryGetValues("Api-Version", out var values) ? values.First() : null;
            },
            cancellation);
        if (!Version.TryParse(text, out var theirs))
            throw new RuntimeException($"docker: what listens at {_address.Host} names no Api-Version: is it a container Engine?");
        if (theirs < Oldest)
            throw new RuntimeException($"docker: the Engine at {_address.Host} speaks API {theirs}, Loadline needs {Oldest} (Docker 20.10): update it");
        Version = theirs < Newest ? theirs : Newest;
        _prefix = string.Create(CultureInfo.InvariantCulture, $"/v{Version}");
    }

    private async Task<T> PatientlyAsync<T>(Func<CancellationToken, Task<T>> request, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(_patience);
        try
        {
            return await request(limited.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RuntimeException($"docker: the Engine at {_address.Host} did not answer within {_patience.TotalSeconds:0} s: restart it");
        }
    }

    private async Task<HttpResponseMessage> RequestAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        HttpResponseMessage? response = null;
        try
        {
            using var request = new HttpRequestMessage(method, _prefix + path) { Content = content };
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotModified) return response;
            throw new EngineException(response.StatusCode, await ReasonAsync(response, cancellation));
        }
        catch (Exception e)
        {
            response?.Dispose();
            if (Explained(e) is { } explained) throw explained;
            throw;
        }
    }

    /// <summary>What a broken connection, or an answer that makes no sense, means to people; null where the exception speaks for itself.</summary>
    private RuntimeException? Explained(Exception e) => e switch
    {
        HttpRequestException { InnerException: SocketException socket } => Unreachable(socket),
        HttpRequestException or IOException => new RuntimeException($"docker: the Engine at {_address.Host} broke off: {OneLine(e.Message)}", e),
        JsonException => new RuntimeException($"docker: the Engine at {_address.Host} does not answer as its API says: {OneLine(e.Message)}", e),
        _ => null,
    };

    private static async Task<Stream> OpenSocketAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private RuntimeException Unreachable(SocketException e) => e.SocketErrorCode == SocketError.AccessDenied
        ? new RuntimeException($"docker: no permission for {_address.Host}: join the group that owns it (docker), or use --runtime cgroup", e)
        : new RuntimeException($"docker: no Engine at {_address.Host}: start it, or use --runtime cgroup", e);

    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var text = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            if (JsonSerializer.Deserialize(text, EngineJson.Default.EngineError)?.Message is { } message) return OneLine(message);
        }
        catch (JsonException)
        {
            // A proxy between us and the Engine answers in its own words.
        }

        return OneLine($"status {(int)response.StatusCode} {text}");
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
