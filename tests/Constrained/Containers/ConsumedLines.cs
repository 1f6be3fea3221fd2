using DotNet.Testcontainers.Configurations;
using Loadline.Harness.Runtimes;

namespace Loadline.Constrained.Containers;

/// <summary>A container's output, line by line as it is written. Testcontainers attaches it before the start, so that no line is missed.</summary>
internal sealed class ConsumedLines(Action<string> onOutput, Action<string> onError) : IOutputConsumer
{
    private readonly LineStream _output = new(onOutput);
    private readonly LineStream _errors = new(onError);

    public bool Enabled => true;

    public Stream Stdout => _output;

    public Stream Stderr => _errors;

    /// <summary>Waits until all has arrived that the container's log holds: nobody is told of the end of an attached stream.</summary>
    /// <exception cref="TimeoutException">It does not arrive.</exception>
    public async Task CompleteAsync((string Stdout, string Stderr) log, TimeSpan limit, CancellationToken cancellation)
    {
        await WaitAsync().WaitAsync(limit, cancellation);
        _output.Complete();
        _errors.Complete();

        async Task WaitAsync()
        {
            while (_output.Ends < EndsOf(log.Stdout) || _errors.Ends < EndsOf(log.Stderr)) await Task.Delay(5, cancellation);
        }

        static int EndsOf(string text) => text.AsSpan().Count('\n');
    }

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
    }

    private sealed class LineStream(Action<string> onLine) : Stream
    {
        private readonly LineSplitter _lines = new(onLine);
        private volatile int _ends;

        public int Ends => _ends;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Complete() => _lines.Complete();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _lines.Append(buffer);
            _ends += buffer.Count((byte)'\n');
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            Write(buffer.AsSpan(offset, count));
            return Task.CompletedTask;
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
