using System.Text;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// What tells a folder that nobody finished from any other: a file in it, which only who may write into the folder can have made. A name alone tells nothing: whoever may
/// rename beside it can give that name to any folder.
/// </summary>
internal static class Unfinished
{
    private const string MarkName = ".unfinished";

    private const long MostMarkBytes = 4 * ByteSize.MiB;

    // No name has one. It comes first where files are named, if there are any.
    private const char Separator = '\0';

    /// <summary>Marks a folder, until it is finished or gone.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="target">Its name for errors.</param>
    /// <param name="neededBytes">What else is to be written, for the error of a full disk.</param>
    /// <param name="files">The files that are to go with it; null for all, of a folder whose name nobody knows.</param>
    /// <exception cref="IOException">It cannot be written to.</exception>
    public static void Mark(FolderHandle folder, string target, long neededBytes = 0, IEnumerable<string>? files = null)
    {
        // One that was finished, and killed before it said so.
        Unmark(folder);
        using var mark = new OutputFile(Path.Combine(folder.Path, MarkName), target, neededBytes);
        mark.Write(Encoding.UTF8.GetBytes(files is null ? "" : Separator + string.Concat(files.Select(file => Path.GetFileName(file) + Separator))));
        mark.Complete();
    }

    /// <summary>Says that it is finished.</summary>
    public static void Unmark(FolderHandle folder) => File.Delete(Path.Combine(folder.Path, MarkName));

    /// <summary>Whether an entry of a folder is the mark.</summary>
    public static bool IsMark(string path) => Path.GetFileName(path) == MarkName;

    /// <summary>Removes the files in a folder, and links, those alone that the mark names where it names any; the mark last. What else is there stays.</summary>
    /// <exception cref="IOException">One could not be removed.</exception>
    public static void DeleteFiles(FolderHandle folder)
    {
        // Who stood in a folder when another took its place may write into it still.
        var mark = IsMarked(folder) ? WholeFile.Read(Path.Combine(folder.Path, MarkName)) : [];
        var named = Encoding.UTF8.GetString(mark).Split(Separator, StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        foreach (var entry in Directory.GetFileSystemEntries(folder.Path))
        {
            if (!IsMark(entry) && (mark.Length == 0 || named.Contains(Path.GetFileName(entry))) && PathType.Of(entry, Libc.NotThroughLinks) != Libc.TypeFolder) File.Delete(entry);
        }

        Unmark(folder);
    }

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

            if (IsMarked(folder)) DeleteFiles(folder);
        }

        Directory.Delete(path);
    }

    // One that is longer than all names of a checkpoint's files is somebody else's, and is not read.
    private static bool IsMarked(FolderHandle folder) =>
        Path.Combine(folder.Path, MarkName) is var mark && PathType.Of(mark, Libc.NotThroughLinks) == Libc.TypeFile && new FileInfo(mark).Length <= MostMarkBytes;
}
