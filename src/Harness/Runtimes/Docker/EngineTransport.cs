using System.Net;
using System.Net.Sockets;
using Docker.DotNet.Handler.Abstractions;
using Docker.DotNet.NativeHttp;
using Microsoft.Extensions.Logging;
using NativeHttp = Docker.DotNet.NativeHttp.DockerHandlerFactory;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>
/// How bytes come from an Engine, or from whoever listens in its place: no answer takes more memory than any Engine's needs. .NET's own HTTP ends headers at
/// 64 KiB; Docker.DotNet's transport for sockets reads them without an end, and bodies up to 2 GiB are kept by either.
/// </summary>
internal sealed class EngineTransport : IDockerHandlerFactory<NativeHttpTransportOptions>
{
    /// <summary>Far more than any answer has that is asked for: what an Engine is, one container, those with our label.</summary>
    public const int MostAnswerBytes = 4 << 20;

    private EngineTransport()
    {
    }

    /// <summary>The only one: it has no state.</summary>
    public static EngineTransport Instance { get; } = new();

    /// <summary>What it is built with, for a socket's path or, where that is null, for tcp.</summary>
    public static NativeHttpTransportOptions OptionsFor(string? socketPath) => new()
    {
        ConfigureHandler = handler =>
        {
            // Each running program holds two connections. No Engine is meant by HTTP_PROXY.
            (handler.UseProxy, handler.MaxConnectionsPerServer) = (false, int.MaxValue);
            if (socketPath is not null) handler.ConnectCallback = (_, cancellation) => ConnectAsync(socketPath, cancellation);
        },
    };

    /// <inheritdoc/>
    public ResolvedTransport CreateHandler(ResolvedClientOptions clientOptions, ILogger logger) => Bounded(NativeHttp.Instance.CreateHandler(clientOptions, logger), clientOptions);

    /// <inheritdoc/>
    public ResolvedTransport CreateHandler(NativeHttpTransportOptions transportOptions, ResolvedClientOptions clientOptions, ILogger logger) =>
        Bounded(NativeHttp.Instance.CreateHandler(transportOptions, clientOptions, logger), clientOptions);

    /// <inheritdoc/>
    public Task<WriteClosableStream> HijackStreamAsync(HttpContent content) => NativeHttp.Instance.HijackStreamAsync(content);

    private static ResolvedTransport Bounded(ResolvedTransport transport, ResolvedClientOptions options)
    {
        // Docker.DotNet gives certificates to a handler that it knows, and not to one around it.
        options.AuthProvider?.ConfigureHandler(transport.Handler);
        return transport with { Handler = new BoundedAnswers(transport.Handler) };
    }

    private static async ValueTask<Stream> ConnectAsync(string socketPath, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads an answer's body no further than it may go. What becomes a stream of its own (a container's output) is handed on as it comes.</summary>
    private sealed class BoundedAnswers(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (request.RequestUri?.AbsolutePath.EndsWith("/attach", StringComparison.Ordinal) == true && IsOutput(answer)) return answer;
            var bounded = new StreamContent(new BoundedStream(await answer.Content.ReadAsStreamAsync(cancellationToken)));
            // Without its length: the one that is declared is not believed.
            foreach (var (name, values) in answer.Content.Headers.Where(header => header.Key != "Content-Length")) bounded.Headers.TryAddWithoutValidation(name, values);
            answer.Content = bounded;
            return answer;
        }

        private static bool IsOutput(HttpResponseMessage answer) => answer.StatusCode == HttpStatusCode.SwitchingProtocols
            || answer.IsSuccessStatusCode && answer.Content.Headers.ContentType?.MediaType is "application/vnd.docker.raw-stream" or "application/vnd.docker.multiplexed-stream";
    }

    private sealed class BoundedStream(Stream inner) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Counted(inner.Read(buffer, offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Counted(await inner.ReadAsync(buffer, cancellationToken));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private int Counted(int bytes) => (_read += bytes) <= MostAnswerBytes ? bytes
            : throw new LongAnswerException();
    }
}

/// <summary>An Engine says more than any question is good for.</summary>
internal sealed class LongAnswerException() : IOException($"an answer is longer than {ByteSize.Format(EngineTransport.MostAnswerBytes)}");
