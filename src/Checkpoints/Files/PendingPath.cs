using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Loadline.Checkpoints.Files;

/// <summary>A name beside the final one, under which a file or folder is written until it is complete.</summary>
/// <param name="target">The final name.</param>
/// <param name="temporary">The name until then, in the same folder, because only there a rename is one step; null takes one that nobody else has.</param>
internal sealed partial class PendingPath(string target, string? temporary = null)
{
    /// <summary>What a name ends in until its file is complete.</summary>
    public const string Extension = ".partial";

    private const string OldExtension = ".old";

    /// <summary>NAME_MAX, in bytes: the longest that a file's name may be.</summary>
    private const int LongestName = 255;

    /// <summary>The final name.</summary>
    public string Target { get; } = Replaceable(Text(Path.TrimEndingDirectorySeparator(target)));

    /// <summary>
    /// The permissions of the file that has the final name, which the new one gets: what only its owner may read stays so. Null where it is a new name, or a link, which
    /// is replaced and says nothing.
    /// </summary>
    public Permissions? Permissions { get; } = Permissions.Of(target, Libc.TypeFile);

    /// <summary>The name until then.</summary>
    public string Temporary { get; } = temporary ?? NameBeside(target);

    // A rename takes the place of anything: for root also of /dev/null, which all programs of the machine would miss.
    private static string Replaceable(string target) =>
        PathType.Of(target, Libc.NotThroughLinks) is not (0 or Libc.TypeFile or Libc.TypeFolder or Libc.TypeLink) ? throw new TakenNameException($"{target}: is no regular file (a pipe or a device): name a file")
        : IsOfOpenFile(target) ? throw new TakenNameException($"{target}: is a name of an open file, as of standard output, and would be another's afterwards: name a file")
        : target;

    // As /dev/stdout: a link by way of /proc that all programs of the machine go through, for root to replace as any.
    private static bool IsOfOpenFile(string target)
    {
        const int mostLinks = 40;
        var path = InRealFolder(Path.GetFullPath(target));
        for (var i = 0; i < mostLinks && !OpenFile().IsMatch(path) && new FileInfo(path).LinkTarget is { } next; i++)
            path = InRealFolder(Path.GetFullPath(next, Path.GetDirectoryName(path) ?? "/"));
        return OpenFile().IsMatch(path);
    }

    // The folder without links: ways of several may lead to one.
    private static string InRealFolder(string path) =>
        Path.GetDirectoryName(path) is { } folder ? Path.Combine(PathType.RealPath(folder), Path.GetFileName(path)) : path;

    [GeneratedRegex(@"^/proc/[^/]+/(task/[^/]+/)?fd/[^/]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex OpenFile();

    // What comes as other bytes than UTF-8 is this character by then, and the file of another name would be written.
    private static string Text(string target) => target.Contains('\ufffd', StringComparison.Ordinal)
        ? throw new TakenNameException($"{target}: has bytes in its name that are no UTF-8, or stands for such: choose another name")
        : target;

    /// <summary>A name beside the final one that nobody else has, nor can guess and put a link there. Of a long one it has the beginning.</summary>
    /// <param name="target">The final name.</param>
    /// <param name="owner">What stands between the two, as in <c>.4711</c>; nothing where nobody asks whose it is.</param>
    public static string NameBeside(string target, string owner = "")
    {
        var ending = $"{owner}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}{Extension}";
        var whole = Path.TrimEndingDirectorySeparator(target);
        var name = Path.GetFileName(whole);
        var folder = whole[..^name.Length];
        // What is too long by itself the file system is to say, before anything is written.
        var most = Encoding.UTF8.GetByteCount(name) > LongestName ? int.MaxValue : LongestName - ending.Length - OldExtension.Length;
        while (Encoding.UTF8.GetByteCount(name) > most) name = name[..^(char.IsLowSurrogate(name[^1]) ? 2 : 1)];
        return folder + name + ending;
    }

    /// <summary>Moves a complete, synced file over whatever file has the final name.</summary>
    public void CommitFile()
    {
        File.Move(Temporary, Target, overwrite: true);
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(Target))!);
    }

    /// <summary>Moves a complete folder to the final name. An older one changes places with it in the same step and is removed after that.</summary>
    /// <param name="filesOf">The files of the older one, which are removed; throws where it holds others, and then it gets its name back.</param>
    /// <param name="written">The folder.</param>
    public void CommitFolder(Func<string, List<string>> filesOf, FolderHandle written)
    {
        SyncFolder(Temporary);
        if (new FileInfo(Target).LinkTarget is not null) ReplaceLink();
        else if (!Directory.Exists(Target)) Directory.Move(Temporary, Target);
        else if (Exchange()) RemoveReplaced(Temporary, Looked, putBack: Exchange);
        else ReplaceInTwoSteps(Looked);
        // With its final name, and not before: killed until then it is to be removed.
        Unfinished.Unmark(written);
        SyncFolder(written.Path);
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(Target))!);

        // From here on the older one does not come back: the new one is finished before the other is removed, which may take long.
        List<string> Looked(string older)
        {
            var files = filesOf(older);
            Unfinished.Unmark(written);
            return files;
        }
    }

    /// <summary>Removes the file that stands under the temporary name. A folder there was put there by somebody else.</summary>
    public void RemoveFile()
    {
        if (PathType.Of(Temporary, Libc.NotThroughLinks) is not (0 or Libc.TypeFolder)) File.Delete(Temporary);
    }

    // Whoever made it wanted the name; what it leads to is nothing of ours, and nothing behind it is looked at or removed.
    private void ReplaceLink()
    {
        if (Exchange())
        {
            if (new FileInfo(Temporary).LinkTarget is null)
            {
                // Somebody has put something else there meanwhile: it is theirs, and gets its name back.
                Exchange();
                throw new IOException($"{Target}: was replaced while it was written: try again");
            }

            File.Delete(Temporary);
        }
        else
        {
            File.Delete(Target);
            Directory.Move(Temporary, Target);
        }
    }

    /// <summary>For file systems that cannot exchange: there is a moment without either, but never a half-written one.</summary>
    private void ReplaceInTwoSteps(Func<string, List<string>> filesOf)
    {
        var old = Temporary + OldExtension;
        Directory.Move(Target, old);
        Directory.Move(Temporary, Target);
        RemoveReplaced(old, filesOf, putBack: () =>
        {
            Directory.Move(Target, Temporary);
            Directory.Move(old, Target);
            return true;
        });
    }

    private bool Exchange() => Libc.renameat2(Libc.AtCurrentDirectory, Temporary, Libc.AtCurrentDirectory, Target, Libc.RenameExchange) == 0;

    // Somebody may have put files into the folder while the new one was written: looked for once nobody knows its name any more, and never removed.
    private void RemoveReplaced(string old, Func<string, List<string>> filesOf, Func<bool> putBack)
    {
        List<string> files;
        FolderHandle? folder = null;
        try
        {
            folder = FolderHandle.TryOpen(old) ?? throw new IOException($"{Target}: was replaced while it was written: try again");
            files = filesOf(folder.Path);
        }
        catch
        {
            folder?.Dispose();
            putBack();
            throw;
        }

        using (folder)
        {
            TryMark(folder, files);
            files.ForEach(File.Delete);
            TryUnmark(folder);
        }

        try
        {
            Directory.Delete(old);
        }
        catch (IOException e)
        {
            throw new IOException($"{Target}: is there as a whole; what stood there before is left in {Path.GetFileName(old)}, with files that came into it meanwhile", e);
        }
    }

    // Should this be killed, the next command removes the rest. On a full disk there is no room for it, and nothing is lost without.
    private void TryMark(FolderHandle folder, List<string> files)
    {
        try
        {
            Unfinished.Mark(folder, Target, files: files);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Half of a mark names half of the files.
            TryUnmark(folder);
        }
    }

    private static void TryUnmark(FolderHandle folder)
    {
        try
        {
            Unfinished.Unmark(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is not ours.
        }
    }

    /// <summary>A rename is only safe from a power cut once its folder is synced.</summary>
    private static void SyncFolder(string folder)
    {
        using var handle = SourceFile.OpenHandle(folder);
        if (Libc.fsync(handle) != 0) throw new IOException($"{folder}: cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}");
    }
}
