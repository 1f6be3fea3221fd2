using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>What tells a file from one that took its name, or from itself after somebody wrote to it.</summary>
/// <param name="Bytes">The length.</param>
/// <param name="ModifiedUtc">The time of the last write.</param>
internal sealed record FileVersion(long Bytes, DateTime ModifiedUtc)
{
    /// <exception cref="CheckpointException">It has no length, as pipes and terminals have none.</exception>
    public static FileVersion Of(string path, SafeFileHandle handle)
    {
        try
        {
            return new FileVersion(RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle));
        }
        catch (Exception e) when (e is NotSupportedException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(CheckpointError.Unreadable, path, "is no regular file (a pipe or a device)", inner: e);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new CheckpointException(CheckpointError.Unreadable, path, "was last written after the year 9999, by its own time: touch it");
        }
    }

    /// <summary>Holds a file that was opened again against what it was when its headers were read.</summary>
    /// <exception cref="CheckpointException">It is another.</exception>
    public void Require(string path, SafeFileHandle handle)
    {
        var found = Of(path, handle);
        if (found == this) return;
        throw found.Bytes < Bytes
            ? new CheckpointException(CheckpointError.Truncated, path, $"became shorter since its headers were read: it had {Bytes} bytes and now has {found.Bytes}")
            : new CheckpointException(CheckpointError.Changed, path, "was changed or replaced since its headers were read: load it again");
    }
}
