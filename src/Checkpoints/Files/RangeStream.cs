using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>A run of a file's bytes as a stream, for decoders that want one. Does not own the handle.</summary>
internal sealed class RangeStream(PositionedReads reads, SafeFileHandle handle, string path, long position, long bytes) : Stream
{
    private long _done;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => bytes;

    public override long Position { get => _done; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Min(buffer.Length, bytes - _done);
        reads.Fill(handle, path, position + _done, buffer[..count]);
        _done += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
