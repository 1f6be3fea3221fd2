using System.Runtime.InteropServices;

namespace Loadline.Checkpoints.Files;

/// <summary>A folder of files that is written under a temporary name. What it replaces at the end must be such a folder, too.</summary>
internal sealed class PendingFolder
{
    private readonly PendingPath _path;
    private readonly IReadOnlyList<string> _ours;
    private readonly Permissions? _ofFiles;

    // Of files that may go: those that stood there from the beginning, and those that have their like here.
    private readonly HashSet<string> _known;

    // Which folder that is: one that somebody put in its place has files that nobody looked at. Open until the end, since another gets the number of one that is gone.
    private readonly FolderHandle? _replaced;
    private readonly FolderHandle _written;

    /// <summary>Creates the folder.</summary>
    /// <param name="path">Its names.</param>
    /// <param name="ours">The ends of names that a folder of this kind holds; one with other files is somebody's work and not replaced.</param>
    /// <param name="neededBytes">What is to be written in all, for the error of a full disk.</param>
    public PendingFolder(PendingPath path, IReadOnlyList<string> ours, long neededBytes)
    {
        (_path, _ours) = (path, ours);
        // Before its files are listed: whatever takes its place from here on is another.
        _replaced = FolderHandle.TryOpen(Target);
        try
        {
            var replaced = FilesToReplace();
            _ofFiles = Permissions.OfAll(replaced);
            _known = [.. replaced.Select(file => Path.GetFileName(file)!)];
        }
        catch
        {
            _replaced?.Dispose();
            throw;
        }

        try
        {
            CreateFolder(_path.Temporary);
            // Its name is random, and can be seen: who may rename beside it could put a link there, and the files would be written behind it.
            _written = FolderHandle.TryOpen(_path.Temporary) ?? throw new IOException("it was moved away as soon as it was made: try again");
        }
        catch (Exception e)
        {
            _replaced?.Dispose();
            if (e is not (IOException or UnauthorizedAccessException or CheckpointException)) throw;
            throw DiskSpace.Explain(_path.Target, neededBytes, e);
        }

        try
        {
            Unfinished.Mark(_written, Target, neededBytes);
            Permissions.Of(Target, Libc.TypeFolder)?.GiveToFolder(_written.Path);
        }
        catch
        {
            Remove();
            throw;
        }
    }

    /// <summary>The final name.</summary>
    public string Target => _path.Target;

    /// <summary>Creates a file inside. It has the permissions that all files of the older folder have, so that what only its owner may read stays so.</summary>
    /// <exception cref="IOException">It cannot be made; the message has the folder's final name.</exception>
    public OutputFile Create(string name, long neededBytes)
    {
        _known.Add(name);
        return new OutputFile(Path.Combine(_written.Path, name), Target, neededBytes, _ofFiles);
    }

    /// <summary>Moves the complete folder to the final name.</summary>
    /// <exception cref="IOException">It was moved away, or other files were put into the older one meanwhile: that is there as it was.</exception>
    public void Commit()
    {
        // Not through a link, which may lead to where it was moved.
        if (!_written.StandsAt(_path.Temporary)) throw new IOException($"{Target}: was moved away while it was written: try again");
        _path.CommitFolder(KnownFilesOf, _written);
        _written.Dispose();
        _replaced?.Dispose();
    }

    /// <summary>Removes the folder where it has its temporary name still: what stands there otherwise is somebody's, or the older one.</summary>
    public void Remove()
    {
        using (_replaced)
        using (_written)
        {
            if (!_written.StandsAt(_path.Temporary)) return;
            Unfinished.DeleteFiles(_written);
            Directory.Delete(_path.Temporary);
        }
    }

    // Not CreateDirectory, which is content with what somebody else made there, or with a link to a folder.
    private static void CreateFolder(string path)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } parent) Directory.CreateDirectory(parent);
        if (Libc.mkdir(path, Libc.ModeOfFolders) != 0) throw new IOException(Marshal.GetLastPInvokeErrorMessage(), Marshal.GetLastPInvokeError());
    }

    private List<string> FilesToReplace()
    {
        // A link gives way, whatever it leads to.
        if (new FileInfo(Target).LinkTarget is not null) return [];
        if (File.Exists(Target)) throw new TakenNameException($"{Target}: is a file, not a folder: remove it or choose another name");
        return Directory.Exists(Target) ? FilesOf(Target) : [];
    }

    // What came meanwhile is somebody's work, whatever its name ends with.
    private List<string> KnownFilesOf(string folder)
    {
        if (_replaced is null || FileIdentity.Of(folder)?.File != FileIdentity.Of(_replaced.Path)?.File) throw new IOException($"{Target}: is not replaced, because another folder took its name while this one was written: try again");
        var files = FilesOf(folder);
        var other = files.Find(file => !_known.Contains(Path.GetFileName(file)));
        return other is null ? files : throw new IOException($"{Target}: is not replaced, because {PrintableText.Escape(Path.GetFileName(other))} came into it while it was written: try again");
    }

    // What .NET cannot name it cannot remove: bytes that are no UTF-8 come as this character, which another file may have in its name.
    private static bool IsNameless(string file) => file.Contains('\ufffd', StringComparison.Ordinal) && PathType.Of(file, Libc.NotThroughLinks) == 0;

    private List<string> FilesOf(string folder)
    {
        var files = Directory.EnumerateFileSystemEntries(folder).Where(entry => !Unfinished.IsMark(entry)).ToList();
        var other = files.Find(f => !_ours.Any(end => f.EndsWith(end, StringComparison.Ordinal)) || Directory.Exists(f) || IsNameless(f))
            // Of two that .NET calls alike one would stay.
            ?? files.GroupBy(f => f).FirstOrDefault(same => same.Count() > 1)?.Key;
        return other is null
            ? files
            : throw new TakenNameException($"{Target}: is not replaced, because it holds more than {_ours[0]} files: {PrintableText.Escape(Path.GetFileName(other))}");
    }
}
