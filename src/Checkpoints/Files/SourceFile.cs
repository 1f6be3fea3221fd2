using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>A file whose headers are being read: its handle, its length and its first bytes. Every read is checked against the length first.</summary>
internal sealed class SourceFile : IDisposable
{
    private const int HeadCapacity = 512;
    private readonly byte[] _head;
    private bool _handedOver;

    private SourceFile(string path, SafeFileHandle handle, PositionedReads reads, FileVersion version, Ledger ledger)
    {
        (Path, Handle, Reads, Version, Ledger) = (path, handle, reads, version, ledger);
        _head = new byte[Math.Min(Length, HeadCapacity)];
        Read(0, _head, "its first bytes");
    }

    public string Path { get; }

    public SafeFileHandle Handle { get; }

    /// <summary>How it is read, and other files of the same checkpoint after it.</summary>
    public PositionedReads Reads { get; }

    public FileVersion Version { get; }

    /// <summary>What reading it may cost, with the other files of the same checkpoint.</summary>
    public Ledger Ledger { get; }

    public long Length => Version.Bytes;

    /// <summary>The first 512 bytes, or all of a shorter file.</summary>
    public ReadOnlySpan<byte> Head => _head;

    /// <summary>Opens a file to read its headers.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reads">How it is read.</param>
    /// <param name="ledger">The checkpoint's, if other files of it were opened before.</param>
    public static SourceFile Open(string path, PositionedReads reads, Ledger? ledger = null)
    {
        var handle = OpenHandle(path);
        try
        {
            var version = FileVersion.Of(path, handle);
            ledger ??= new Ledger();
            ledger.Add(path, version.Bytes);
            return new SourceFile(path, handle, reads, version, ledger);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>All bytes of a small file that comes with a checkpoint, from the same stranger.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">A longer file is refused.</param>
    /// <param name="what">What the bytes are to be, for messages.</param>
    /// <exception cref="CheckpointException">The file cannot be read, or is too long.</exception>
    public static byte[] ReadWhole(string path, long maxBytes, string what)
    {
        using var file = Open(path, PositionedReads.OfTheKernel);
        if (file.Length > maxBytes) throw file.Refuse(CheckpointError.LimitExceeded, $"has {file.Length} bytes, more than the limit of {maxBytes}");
        var bytes = new byte[file.Length];
        file.Read(0, bytes, what);
        return bytes;
    }

    /// <summary>The same of a file by its very name; null where that is a link's. The folders before it may be links.</summary>
    /// <exception cref="CheckpointException">It cannot be opened.</exception>
    public static SafeFileHandle? TryOpenNoLink(string path)
    {
        var descriptor = Open(path, Libc.OpenReadOnly | Libc.OpenNoLink);
        if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
        return Marshal.GetLastPInvokeError() == Libc.TooManyLinks ? null : throw NotOpened(path);
    }

    /// <summary>Opens for reading and for nothing else; <paramref name="flags"/> may add to that.</summary>
    public static SafeFileHandle OpenHandle(string path, int flags = Libc.OpenReadOnly)
    {
        var descriptor = Open(path, flags);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw NotOpened(path);
    }

    // O_NONBLOCK: a named pipe would otherwise hold us until someone writes to it. It changes nothing for files.
    private static int Open(string path, int flags) => Libc.open(path, flags | Libc.OpenCloseOnExec | Libc.OpenNonBlocking);

    private static CheckpointException NotOpened(string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return error is Libc.NoSuchEntry or Libc.NotADirectory
            ? new CheckpointException(CheckpointError.NotFound, path, "there is no such file or folder")
            : new CheckpointException(CheckpointError.Unreadable, path, $"cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Fills <paramref name="destination"/>; <paramref name="what"/> and <paramref name="name"/> say in the error what the bytes were to be.</summary>
    public void Read(long position, Span<byte> destination, string what, string? name = null)
    {
        Ledger.Read(destination.Length);
        ReadUncounted(position, destination, what, name);
    }

    /// <summary>The same of bytes that the ledger has taken in already, because what they are read into is charged before.</summary>
    public void ReadUncounted(long position, Span<byte> destination, string what, string? name = null)
    {
        if (position < 0 || position > Length || destination.Length > Length - position)
        {
            throw Refuse(CheckpointError.Truncated, $"{what}{name} needs {destination.Length} bytes at {position}, but the file has {Length}");
        }

        Reads.Fill(Handle, Path, position, destination);
    }

    public CheckpointException Refuse(CheckpointError error, string problem) => new(error, Path, problem);

    /// <summary>A stretch of this file as a file of its own, with positions that count from its start. It shares the handle, which stays this one's.</summary>
    /// <param name="start">Where it starts; inside of this one.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="reads">How it is read, if not as this one is.</param>
    public SourceFile Slice(long start, long length, PositionedReads? reads = null) =>
        new(Path, Handle, new ShiftedReads(reads ?? Reads, start), Version with { Bytes = length }, Ledger) { _handedOver = true };

    /// <summary>Gives the handle to someone who closes it: what is read later is the very file whose headers were read.</summary>
    public SafeFileHandle HandOver()
    {
        _handedOver = true;
        return Handle;
    }

    public void Dispose()
    {
        if (!_handedOver) Handle.Dispose();
    }
}
