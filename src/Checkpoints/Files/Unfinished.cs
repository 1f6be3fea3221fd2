using System.Text;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// What tells a folder that nobody finished from any other: a file in it, which only who may write into the folder can have made. A name alone tells nothing: whoever may
/// rename beside it can give that name to any folder.
/// </summary>
internal static class Unfinished
{
    private const string MarkName = ".unfinished";

    private const long MostMarkBytes = 16 * ByteSize.MiB;

    // Stands behind each name, so that half of one is none. No name has it.
    private const char End = '\0';

    // No name is it.
    private const string All = "/";

    /// <summary>Marks a folder, until it is finished or gone.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="target">Its name for errors.</param>
    /// <param name="neededBytes">What else is to be written, for the error of a full disk.</param>
    /// <param name="files">The files that are to go with it; null for all, of a folder whose name nobody knows.</param>
    /// <exception cref="IOException">It cannot be written to, or the names are too long to be read again.</exception>
    public static void Mark(FolderHandle folder, string target, long neededBytes = 0, IEnumerable<string>? files = null)
    {
        // One that was finished, and killed before it said so.
        Unmark(folder);
        var text = Encoding.UTF8.GetBytes(files is null ? All + End : string.Concat(files.Select(file => Path.GetFileName(file) + End)));
        if (text.Length > MostMarkBytes) throw new IOException($"{target}: holds too many files to name them all");
        using var mark = new OutputFile(Path.Combine(folder.Path, MarkName), target, neededBytes);
        mark.Write(text);
        mark.Complete();
    }

    /// <summary>Says that it is finished.</summary>
    public static void Unmark(FolderHandle folder) => File.Delete(Path.Combine(folder.Path, MarkName));

    /// <summary>Whether an entry of a folder is the mark, and no file of somebody's that is called so: one that is written has its end, and one that is not is empty.</summary>
    public static bool IsMark(string path)
    {
        if (!IsNamedSo(path) || PathType.Of(path, Libc.NotThroughLinks) != Libc.TypeFile) return false;
        try
        {
            using var mark = SourceFile.TryOpenNoLink(path);
            if (mark is null || RandomAccess.GetLength(mark) is not (<= MostMarkBytes and var bytes)) return false;
            Span<byte> last = stackalloc byte[1];
            return bytes == 0 || (RandomAccess.Read(mark, last, bytes - 1) == 1 && last[0] == End);
        }
        catch (CheckpointException)
        {
            // Another user's, or gone meanwhile: ours can be read.
            return false;
        }
    }

    private static bool IsNamedSo(string path) => Path.GetFileName(path) == MarkName;

    /// <summary>Removes the files in a folder, and links, that its mark names; the mark last. What else is there stays.</summary>
    /// <exception cref="IOException">One could not be removed.</exception>
    public static void DeleteFiles(FolderHandle folder)
    {
        // Who stood in a folder when another took its place may write into it still.
        var mark = IsMarked(folder) ? Encoding.UTF8.GetString(WholeFile.Read(Path.Combine(folder.Path, MarkName))) : "";
        // A file of somebody's that is called so: a mark that was cut short has an end of a name, or nothing.
        if (mark != "" && !mark.Contains(End)) return;
        var named = mark[..(mark.LastIndexOf(End) + 1)].Split(End, StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        foreach (var entry in Directory.GetFileSystemEntries(folder.Path))
        {
            var isNamed = named.Contains(All) || named.Contains(Path.GetFileName(entry));
            if (isNamed && !IsNamedSo(entry) && PathType.Of(entry, Libc.NotThroughLinks) != Libc.TypeFolder) File.Delete(entry);
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
