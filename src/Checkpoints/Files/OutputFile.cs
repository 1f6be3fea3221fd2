using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// A new file, never one that is there or that a link leads to, written front to back through a small buffer. What is written goes to the disk
/// soon, so that under a cap, which counts the page cache, pages that still wait for the disk do not fill the memory. Errors of the disk become one
/// line with the final name.
/// </summary>
/// <param name="handle">Where the bytes go; this one closes it.</param>
/// <param name="target">The name for errors.</param>
/// <param name="neededBytes">What is to be written in all, for the error of a full disk.</param>
internal sealed class OutputFile(SafeFileHandle handle, string target, long neededBytes) : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    // Two such windows may wait for the disk: one that it works on, and one that fills up meanwhile.
    private const long WindowBytes = 8 * ByteSize.MiB;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _buffered;
    private long _flushed;
    private long _begun;
    private long _onDisk;

    /// <summary>Creates the file.</summary>
    /// <param name="path">Where the bytes go: nothing may be there yet.</param>
    /// <param name="target">The name for errors.</param>
    /// <param name="neededBytes">What is to be written in all, for the error of a full disk.</param>
    /// <param name="permissions">Those of what it replaces; null lets the process's umask say.</param>
    /// <exception cref="IOException">It cannot be made; the message has the final name.</exception>
    public OutputFile(string path, string target, long neededBytes, Permissions? permissions = null)
        : this(Try(target, neededBytes, (path, permissions), static file => Create(file.path, file.permissions)), target, neededBytes)
    {
    }

    /// <summary>Creates the file that gets a name of its own when it is complete, with the permissions of the one that has it now.</summary>
    /// <param name="path">Its names.</param>
    /// <param name="neededBytes">As above.</param>
    /// <exception cref="IOException">As above.</exception>
    public OutputFile(PendingPath path, long neededBytes)
        : this(path.Temporary, path.Target, neededBytes, path.Permissions)
    {
    }

    /// <summary>A new file for its owner alone, to be written and read again, and gone with its last handle: its name is taken away at once.</summary>
    /// <param name="path">The name until then.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static FileStream Nameless(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        File.Delete(path);
        return file;
    }

    /// <summary>Where the next byte goes.</summary>
    public long Position => _flushed + _buffered;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BufferBytes - _buffered) Flush();
        if (bytes.Length >= BufferBytes)
        {
            WriteAt(_flushed, bytes);
            _flushed += bytes.Length;
            WriteBack();
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
    }

    /// <summary>Leaves a hole, which reads as zeros.</summary>
    public void Skip(long bytes)
    {
        Flush();
        _flushed += bytes;
    }

    /// <summary>Overwrites bytes before <see cref="Position"/>.</summary>
    public void Patch(long position, ReadOnlySpan<byte> bytes)
    {
        Flush();
        WriteAt(position, bytes);
    }

    /// <summary>Puts everything on the disk, a hole at the end included.</summary>
    public void Complete()
    {
        Flush();
        Try(target, neededBytes, (handle, _flushed), static f =>
        {
            RandomAccess.SetLength(f.handle, f._flushed);
            RandomAccess.FlushToDisk(f.handle);
            return true;
        });
    }

    public void Dispose() => handle.Dispose();

    private void Flush()
    {
        WriteAt(_flushed, _buffer.AsSpan(0, _buffered));
        _flushed += _buffered;
        _buffered = 0;
        WriteBack();
    }

    /// <summary>Begins a window on its way to the disk, and waits for the one before. Errors are not looked at: <see cref="Complete"/> sees them.</summary>
    private void WriteBack()
    {
        if (_flushed - _begun < WindowBytes) return;
        _ = Libc.sync_file_range(handle, _begun, _flushed - _begun, Libc.SyncWrite);
        // A length of 0 would mean all of the file.
        if (_begun > _onDisk) _ = Libc.sync_file_range(handle, _onDisk, _begun - _onDisk, Libc.SyncWaitBefore | Libc.SyncWrite | Libc.SyncWaitAfter);
        (_onDisk, _begun) = (_begun, _flushed);
    }

    private void WriteAt(long position, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(handle, bytes, position);
        }
        catch (IOException e)
        {
            throw DiskSpace.Explain(target, neededBytes, e);
        }
        catch (ArgumentOutOfRangeException e)
        {
            // As .NET says that the system allows no file of that length (ulimit -f, or a file system with a limit of its own).
            throw new IOException($"{target}: cannot be written: no file may be so long here", e);
        }
    }

    private static SafeFileHandle Create(string path, Permissions? permissions)
    {
        if (permissions is null || OperatingSystem.IsWindows()) return File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        // Nobody else's from its first moment: whoever opens it early could read all that comes.
        const UnixFileMode ownersOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0, UnixCreateMode = ownersOnly };
        var handle = new FileStream(path, options).SafeFileHandle;
        permissions.GiveTo(handle);
        return handle;
    }

    private static TResult Try<TState, TResult>(string target, long neededBytes, TState state, Func<TState, TResult> action)
    {
        try
        {
            return action(state);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Explain(target, neededBytes, e);
        }
    }
}
