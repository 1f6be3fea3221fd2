using Loadline.Checkpoints.Files;

namespace Loadline.Harness;

/// <summary>Files that are there as a whole or not at all.</summary>
internal static class WholeFile
{
    /// <summary>Makes sure, before there is anything to lose, that a file can be written.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public static void RefuseUnwritable(string path)
    {
        var whole = Path.GetFullPath(path);
        if (Directory.Exists(whole)) throw new IOException($"{path}: is a folder: name a file in it");
        var unfinished = $"{whole}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
            File.WriteAllBytes(unfinished, []);
            File.Delete(unfinished);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Writes a file, and the folder that it lies in; nothing half-written ever stands under its name.</summary>
    /// <exception cref="IOException">The path cannot be written; for a full disk the message has the bytes needed and free.</exception>
    public static void Write(string path, ReadOnlySpan<byte> contents)
    {
        var whole = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        var unfinished = $"{whole}.{Environment.ProcessId}.tmp";
        try
        {
            File.WriteAllBytes(unfinished, contents);
            File.Move(unfinished, whole, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Explain(path, contents.Length, e);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
