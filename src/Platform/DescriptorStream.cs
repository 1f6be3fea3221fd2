using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline;

/// <summary>
/// A standard stream of the process, for writing, without <see cref="Console"/>: that one prepares the terminal and takes signals over for keys that somebody
/// might read, which takes longer than it takes to inspect a checkpoint.
/// </summary>
/// <param name="file">The descriptor; closed with the stream if the handle owns it.</param>
/// <param name="name">For errors: <c>standard output</c>.</param>
internal sealed class DescriptorStream(SafeFileHandle file, string name) : Stream
{
    /// <summary>Whether it is a pipe whose reader has gone.</summary>
    public bool IsUnheard { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="IOException">It cannot be written, as on a full disk.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        // SAFETY: the bytes are pinned while the kernel reads them, and it reads no more than are there.
        fixed (byte* start = buffer)
        {
            for (nint done = 0; done < buffer.Length;)
            {
                var written = Libc.write(file, start + done, (nuint)(buffer.Length - done));
                if (written >= 0)
                {
                    done += written;
                    continue;
                }

                switch (Marshal.GetLastPInvokeError())
                {
                    case Libc.Interrupted: break;
                    // Somebody made the pipe one that does not wait, and it is full.
                    case Libc.TryAgain: Thread.Sleep(1); break;
                    // Nobody listens any more, or there is no such descriptor: the work goes on, and its exit code tells what became of it.
                    case Libc.BrokenPipe: IsUnheard = true; return;
                    case Libc.BadDescriptor: return;
                    // So does a terminal that was hung up; of a disk it is an error. Only a disk has places.
                    case Libc.InputOutput when Libc.lseek(file, 0, Libc.SeekCurrent) < 0: return;
                    case var error: throw new IOException($"{name} cannot be written: {Marshal.GetPInvokeErrorMessage(error)}");
                }
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }
}
