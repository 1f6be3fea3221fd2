namespace Loadline.Checkpoints.Files;

/// <summary>
/// What tells a folder that nobody finished from any other: a file in it, which only who may write into the folder can have made. By its name alone it could be a folder
/// that somebody was given to be removed.
/// </summary>
internal static class Unfinished
{
    private const string MarkName = ".unfinished";

    /// <summary>Marks a new folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="target">Its name for errors.</param>
    /// <exception cref="IOException">It cannot be written to.</exception>
    public static void Mark(FolderHandle folder, string target) => new OutputFile(Path.Combine(folder.Path, MarkName), target, neededBytes: 0).Dispose();

    /// <summary>Says that it is finished.</summary>
    public static void Unmark(FolderHandle folder) => File.Delete(Path.Combine(folder.Path, MarkName));

    /// <summary>
    /// Removes what a killed process left under a name: a file, or such a folder with its files. Any other folder stays, unless it is empty, and so does what a link
    /// leads to.
    /// </summary>
    /// <exception cref="IOException">It is there, and stays.</exception>
    public static void Remove(string path)
    {
        using (var folder = FolderHandle.TryOpen(path))
        {
            if (folder is null)
            {
                File.Delete(path);
                return;
            }

            if (PathType.Of(Path.Combine(folder.Path, MarkName), Libc.NotThroughLinks) == Libc.TypeFile) folder.DeleteFiles();
        }

        Directory.Delete(path);
    }
}
