namespace Loadline.Harness;

/// <summary>Files that are there as a whole or not at all.</summary>
internal static class WholeFile
{
    /// <summary>Writes a file, and the folder that it lies in; nothing half-written ever stands under its name.</summary>
    /// <exception cref="IOException">The path cannot be written.</exception>
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
        finally
        {
            File.Delete(unfinished);
        }
    }
}
