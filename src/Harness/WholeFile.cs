using Loadline.Checkpoints.Files;

namespace Loadline.Harness;

/// <summary>Files that are there as a whole or not at all.</summary>
internal static class WholeFile
{
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
