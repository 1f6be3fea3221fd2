using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// Positioned reads from open files, whole, and with the disk's errors in one line. Any number of threads may read at once. Every byte that is read of
/// a checkpoint comes through here, and so a test that overrides <see cref="ReadSome"/> and <see cref="TryPopulate"/> can fail any of them.
/// </summary>
internal class PositionedReads
{
    /// <summary>The kernel's own.</summary>
    public static PositionedReads OfTheKernel { get; } = new();

    /// <summary>Reads until <paramref name="destination"/> is full: one call may return less than was asked for.</summary>
    /// <exception cref="CheckpointException">The file ends before that, or cannot be read.</exception>
    public void Fill(SafeFileHandle file, string path, long position, Span<byte> destination) => Fill(file, path, position, destination, destination.Length, ReadSizes.ReadBytes);

    /// <summary>
    /// The same from a handle that goes past the page cache: as much at once as there is room for, because nothing is cached, and the more the disk is
    /// asked for the less it waits.
    /// </summary>
    /// <param name="file">Opened with O_DIRECT.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="position">As such a handle wants it: aligned, like the destination.</param>
    /// <param name="destination">May reach beyond the file's end.</param>
    /// <param name="needed">How many bytes there must be.</param>
    /// <exception cref="CheckpointException">The file ends before that, or cannot be read so.</exception>
    public void FillDirect(SafeFileHandle file, string path, long position, Span<byte> destination, int needed) => Fill(file, path, position, destination, needed, int.MaxValue);

    private void Fill(SafeFileHandle file, string path, long position, Span<byte> destination, int needed, int maxReadBytes)
    {
        for (var filled = 0; filled < needed;)
        {
            var count = Read(file, path, position + filled, destination.Slice(filled, Math.Min(maxReadBytes, destination.Length - filled)));
            if (count == 0)
            {
                throw new CheckpointException(
                    CheckpointError.Truncated, path,
                    $"ended while it was read: expected {needed} bytes at {position}, found {filled}; was the file replaced or cut?");
            }

            filled += count;
        }
    }

    /// <summary>Brings bytes into a mapping, for whoever copies out of it.</summary>
    /// <returns>Whether the kernel can do that; else read them.</returns>
    /// <exception cref="CheckpointException">The file became shorter, or cannot be read.</exception>
    public virtual bool TryPopulate(FileMapping mapping, long position, long bytes) => mapping.TryPopulate(position, bytes);

    /// <summary>One read, for whoever shifts positions.</summary>
    internal int ReadOnce(SafeFileHandle file, long position, Span<byte> destination) => ReadSome(file, position, destination);

    /// <summary>One system call.</summary>
    /// <returns>At least 1; 0 at the end of the file.</returns>
    protected virtual int ReadSome(SafeFileHandle file, long position, Span<byte> destination) => RandomAccess.Read(file, destination, position);

    private int Read(SafeFileHandle file, string path, long position, Span<byte> destination)
    {
        try
        {
            return ReadSome(file, position, destination);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CheckpointException(CheckpointError.Unreadable, path, $"cannot be read at {position}: {e.Message}", inner: e);
        }
    }
}
