namespace Loadline.Checkpoints.Files;

/// <summary>Files that are there as a whole or not at all.</summary>
internal static class WholeFile
{
    /// <summary>Makes sure, before there is anything to lose, that a file can be written.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public static void RefuseUnwritable(string path)
    {
        var whole = Path.GetFullPath(path);
        if (Directory.Exists(whole)) throw new IOException($"{path}: is a folder: name a file in it");
        var pending = new PendingPath(whole);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
            new OutputFile(pending.Temporary, path, neededBytes: 0).Dispose();
        }
        catch (Exception e) when (IsUnexplained(e))
        {
            throw DiskSpace.Explain(path, 0, e);
        }
        finally
        {
            pending.Remove();
        }
    }

    /// <summary>
    /// Writes a file, and the folder that it lies in; nothing half-written ever stands under its name, and no link that somebody planted is followed: a
    /// link under the final name gives way to the file.
    /// </summary>
    /// <exception cref="IOException">The path cannot be written; for a full disk the message has the bytes needed and free.</exception>
    public static void Write(string path, ReadOnlySpan<byte> contents)
    {
        var whole = Path.GetFullPath(path);
        var pending = new PendingPath(whole);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
            using (var output = new OutputFile(pending.Temporary, path, contents.Length))
            {
                output.Write(contents);
                output.Complete();
            }

            pending.CommitFile();
        }
        catch (Exception e) when (IsUnexplained(e))
        {
            throw DiskSpace.Explain(path, contents.Length, e);
        }
        finally
        {
            pending.Remove();
        }
    }

    // What OutputFile throws says all that is to be said.
    private static bool IsUnexplained(Exception e) => e is UnauthorizedAccessException || (e is IOException && e.InnerException is null);
}
