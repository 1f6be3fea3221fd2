using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Worker;

/// <summary>
/// Standard output, for the worker's lines alone. It gets a descriptor of its own that no child inherits, and number 1 stands for standard error from then on:
/// what a library prints (oneDNN, a driver, a module) is neither taken for a line of the worker's, nor runs into one.
/// </summary>
/// <remarks>It keeps words apart, not enemies: code in this process can write to any of its descriptors. docs/threat-model.md says what follows.</remarks>
internal sealed class OwnOutput : Stream
{
    private const int Output = 1;
    private const int Errors = 2;

    /// <summary>The first number that is none of the standard streams'.</summary>
    private const int FirstFree = 3;

    private readonly SafeFileHandle _file;

    private OwnOutput(SafeFileHandle file) => _file = file;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Takes it over, before anything is loaded that could print. Where there is no standard output, as after <c>&gt;&amp;-</c>, nobody hears the lines.</summary>
    public static Stream Take()
    {
        var file = Libc.fcntl(Output, Libc.DuplicateCloseOnExec, FirstFree);
        if (file.IsInvalid) return Null;
        if (Libc.dup2(Errors, Output) < 0)
        {
            // There is no standard error. A number that stands for nothing would be the next file's that is opened, and what is printed would go there.
            using var nowhere = new SafeFileHandle(Libc.open("/dev/null", Libc.OpenWriteOnly | Libc.OpenCloseOnExec), ownsHandle: true);
            _ = Libc.dup2(nowhere, Output);
        }

        return new OwnOutput(file);
    }

    /// <exception cref="IOException">It cannot be written, as on a full disk.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        // SAFETY: the bytes are pinned while the kernel reads them, and it reads no more than are there.
        fixed (byte* start = buffer)
        {
            for (nint done = 0; done < buffer.Length;)
            {
                var written = Libc.write(_file, start + done, (nuint)(buffer.Length - done));
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
                    // Nobody listens any more: the load goes on, and its exit code tells what became of it.
                    case Libc.BrokenPipe: return;
                    case var error: throw new IOException($"standard output cannot be written: {Marshal.GetPInvokeErrorMessage(error)}");
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
        if (disposing) _file.Dispose();
        base.Dispose(disposing);
    }
}
