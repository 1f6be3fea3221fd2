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

    /// <summary>Tells the kernel how to bring pages in that are touched.</summary>
    internal void Advise(MappingAdvice advice)
    {
        if (advice != MappingAdvice.None) _ = Libc.madvise(handle, (nuint)Bytes, advice == MappingAdvice.HugePages ? Libc.MadvHugePage : Libc.MadvSequential);
    }

    /// <summary>Ends the kernel's readahead for this mapping: what is read comes in by <see cref="TryPopulate"/>, as much as is asked for.</summary>
    internal void ReadOnlyAsAsked() => _ = Libc.madvise(handle, (nuint)Bytes, Libc.MadvRandom);

    /// <summary>
    /// Brings pages in, so that whoever touches them next does not wait for a disk, and finds out here and not by a SIGBUS when they are gone.
    /// </summary>
    /// <returns>Whether the kernel can do that: Linux 5.14 or newer.</returns>
    /// <exception cref="CheckpointException">The file became shorter, or its disk cannot be read.</exception>
    internal bool TryPopulate(long offset, long bytes)
    {
        var (start, end) = Pages(offset, bytes);
        for (var at = start; at < end; at += ReadSizes.PopulateBytes)
        {
            var length = (nuint)Math.Min(ReadSizes.PopulateBytes, end - at);
            // Else every page would be a read of its own.
            _ = Libc.madvise(handle + (nint)at, length, Libc.MadvWillNeed);
            if (Libc.madvise(handle + (nint)at, length, Libc.MadvPopulateRead) == 0) continue;
            switch (Marshal.GetLastPInvokeError())
            {
                case Libc.InvalidArgument:
                    return false;
                case Libc.BadAddress:
                    throw new CheckpointException(CheckpointError.Truncated, File, $"became shorter while it was read, or cannot be read, at {at}: was the file replaced or cut?");
                default:
                    throw new CheckpointException(CheckpointError.Unreadable, File, $"cannot be read at {at}: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }

        return true;
    }

    /// <summary>Lets pages go out of this process's memory. They stay in the page cache; touched again, they come back.</summary>
    internal void Forget(long offset, long bytes)
    {
        var (start, end) = Pages(offset, bytes);
        _ = Libc.madvise(handle + (nint)start, (nuint)(end - start), Libc.MadvDontNeed);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.munmap(handle, (nuint)Bytes) == 0;

    private static (long Start, long End) Pages(long offset, long bytes)
    {
        var page = Environment.SystemPageSize;
        return (offset / page * page, (offset + bytes + page - 1) / page * page);
    }
}
