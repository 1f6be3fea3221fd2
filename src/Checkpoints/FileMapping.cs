using System.Runtime.InteropServices;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints;

/// <summary>What may be done to a mapping's pages.</summary>
public enum MappingAccess
{
    /// <summary>Pages can only be read, and are the page cache's own: the mapping is the source of a copy.</summary>
    ReadOnly,

    /// <summary>Pages can be written; a page that is written becomes private anonymous memory, and the file never changes.</summary>
    CopyOnWrite,
}

/// <summary>
/// A whole file mapped into memory. No anonymous memory is taken until a <see cref="MappingAccess.CopyOnWrite"/> page is written.
/// </summary>
/// <remarks>
/// SAFETY: the pointer is valid until the handle is released (<see cref="SafeHandle.DangerousAddRef"/> keeps it from a concurrent dispose).
/// The mapping starts on a page; tensors inside may be unaligned. A file that is cut after mapping leaves pages past its end that raise SIGBUS
/// when touched: no process can prevent that for a mapping it goes on using, so the file must not be cut while it is mapped. What Loadline itself
/// reads or copies goes through system calls, which return an error instead.
/// </remarks>
public sealed unsafe partial class FileMapping : SafeHandleZeroOrMinusOneIsInvalid
{
    private FileMapping(string path, nint address, long bytes)
        : base(ownsHandle: true)
    {
        (File, Bytes) = (path, bytes);
        SetHandle(address);
    }

    /// <summary>The mapped file.</summary>
    public string File { get; }

    /// <summary>The file's length when it was mapped.</summary>
    public long Bytes { get; }

    /// <summary>The first byte.</summary>
    public byte* Pointer => (byte*)handle;

    /// <summary>Maps a file that is not empty.</summary>
    /// <exception cref="CheckpointException">The file cannot be opened, is empty, or the kernel refuses the mapping.</exception>
    public static FileMapping Open(string path, MappingAccess access)
    {
        using var file = FileReads.OpenForReading(path);
        return Open(path, file, access);
    }

    internal static FileMapping Open(string path, SafeFileHandle file, MappingAccess access)
    {
        var bytes = FileVersion.Of(path, file).Bytes;
        if (bytes == 0) throw new CheckpointException(CheckpointError.Truncated, path, "is empty and cannot be mapped");

        // MAP_NORESERVE: a private writable mapping would otherwise count against the commit limit as if every page were to be written.
        var protection = access == MappingAccess.ReadOnly ? Libc.ProtRead : Libc.ProtRead | Libc.ProtWrite;
        var address = Libc.mmap(0, (nuint)bytes, protection, Libc.MapPrivate | Libc.MapNoReserve, file.DangerousGetHandle().ToInt32(), 0);
        if (address == -1)
        {
            throw new CheckpointException(CheckpointError.Unreadable, path, $"cannot be mapped: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        return new FileMapping(path, address, bytes);
    }

    /// <summary>Where a storage's bytes lie in this mapping.</summary>
    /// <exception cref="CheckpointException">The storage is compressed, or the file became shorter since its headers were read.</exception>
    public byte* PointerTo(StorageEntry storage)
    {
        if (!storage.IsMappable) throw new CheckpointException(CheckpointError.Unsupported, File, "holds compressed records, which can be read but not mapped");
        if (storage.Position > Bytes || storage.Bytes > Bytes - storage.Position)
        {
            throw new CheckpointException(
                CheckpointError.Truncated, File, $"became shorter: a storage needs {storage.Bytes} bytes at {storage.Position}, the file has {Bytes}");
        }

        return Pointer + storage.Position;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.munmap(handle, (nuint)Bytes) == 0;
}
