namespace Loadline.Checkpoints.Files;

/// <summary>Whether a disk can take what is to be written, and what to say when it cannot.</summary>
internal static class DiskSpace
{
    /// <summary>Refuses before the first byte what cannot end well.</summary>
    public static void Require(string path, long neededBytes)
    {
        if (FreeBytes(path) is { } free && free < neededBytes) throw Full(path, neededBytes, free);
    }

    /// <summary>Says in one line why writing failed.</summary>
    public static IOException Explain(string path, long neededBytes, Exception e) => e switch
    {
        { HResult: Libc.NoSpaceLeft or Libc.QuotaExceeded } => Full(path, neededBytes, FreeBytes(path) ?? 0, e),
        // The system's own messages of these have the temporary name.
        FileNotFoundException => new IOException($"{path}: cannot be written: no file can be made in {Path.GetDirectoryName(Path.GetFullPath(path))}: choose another folder", e),
        UnauthorizedAccessException => new IOException($"{path}: cannot be written: no permission to make a file in {Path.GetDirectoryName(Path.GetFullPath(path))}: choose another folder", e),
        DirectoryNotFoundException => new IOException($"{path}: cannot be written: there is no folder {Path.GetDirectoryName(Path.GetFullPath(path))}: make it first", e),
        _ => new IOException($"{path}: cannot be written: {e.Message}", e),
    };

    private static IOException Full(string path, long neededBytes, long freeBytes, Exception? inner = null) => new(
        $"{path}: the disk is full: {ByteSize.Format(neededBytes)} needed, {ByteSize.Format(freeBytes)} free", inner);

    private static long? FreeBytes(string path)
    {
        try
        {
            var drive = new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!);
            // What has no size (/proc) is no disk that could be full.
            return drive.TotalSize > 0 ? drive.AvailableFreeSpace : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
