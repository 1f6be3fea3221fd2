using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Making;

/// <summary>What a new checkpoint may take the place of without being told to: an older one, and nothing else.</summary>
internal static class Replacing
{
    /// <summary>Refuses a target that is there and is no checkpoint, that holds more than one, or that is or holds what is read.</summary>
    /// <param name="target">The file or folder to write.</param>
    /// <param name="force">Whether it may be replaced whatever it is.</param>
    /// <param name="source">The open checkpoint that is read for it; null where none is.</param>
    /// <exception cref="InputException">It would be lost.</exception>
    public static void RefuseLoss(string target, bool force, Checkpoint? source = null)
    {
        var whole = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        if (force) return;
        if (AreNoDigests(whole)) throw new InputException($"{Digests.PathFor(target)}: would be removed, and holds no digests of a checkpoint: move it away");
        if (!Path.Exists(whole)) return;
        if (source is not null)
        {
            var read = Files(source).Append(Path.GetFullPath(source.Path)).ToList();
            if (read.Exists(file => IsSame(file, whole))) throw new InputException($"{target}: is the checkpoint that is read: name another target, or replace it with --force");
            if (Directory.Exists(whole) && AreWithin(read, whole))
                throw new InputException($"{target}: holds the checkpoint that is read, and would be replaced with it: name another target, or replace it with --force");
        }

        if (WhatIsLost(whole) is { } lost) throw new InputException($"{target}: is there and {lost}: name another target, or replace it with --force");
    }

    // Those of what is replaced go with it.
    private static bool AreNoDigests(string whole)
    {
        var digests = Digests.PathFor(whole);
        if (!File.Exists(digests)) return Directory.Exists(digests);
        try
        {
            _ = Digests.Find(whole);
            return false;
        }
        catch (CheckpointException)
        {
            return true;
        }
    }

    private static string? WhatIsLost(string whole)
    {
        var isFolder = Directory.Exists(whole);
        if (isFolder && !Directory.EnumerateFileSystemEntries(whole).Any()) return null;
        try
        {
            using var checkpoint = Checkpoint.Open(whole);
            if (!isFolder) return null;
            var own = Files(checkpoint).ToHashSet();
            var folders = FoldersOf(own, whole);
            var other = Directory.EnumerateFileSystemEntries(whole).FirstOrDefault(path => !(Directory.Exists(path) ? folders : own).Contains(path));
            return other is null ? null : $"holds more than a checkpoint, as {Path.GetFileName(other)}";
        }
        catch (CheckpointException)
        {
            return "is no checkpoint";
        }
    }

    // All between them and the whole: shards may have folders of their own.
    private static HashSet<string> FoldersOf(IEnumerable<string> files, string whole)
    {
        var folders = new HashSet<string>();
        foreach (var file in files)
        {
            for (var folder = Path.GetDirectoryName(file); folder is not null && folder.Length > whole.Length && folders.Add(folder);) folder = Path.GetDirectoryName(folder);
        }

        return folders;
    }

    private static IEnumerable<string> Files(Checkpoint checkpoint) => checkpoint.WholeFiles.Select(Path.GetFullPath);

    // By what stands there: any folder on the way may be a link.
    private static bool IsSame(string one, string other) =>
        Final(one) == Final(other) || (FileIdentity.Of(one) is { } found && FileIdentity.Of(other) is { } second && found.File == second.File);

    // Upwards by the kernel, which knows no link on that way: from where the names stand, and from where the files do.
    private static bool AreWithin(IEnumerable<string> files, string folder)
    {
        var whole = FileIdentity.Of(folder)?.File;
        foreach (var start in files.SelectMany(file => new[] { file, Final(file) }).Select(Path.GetDirectoryName).OfType<string>().Distinct())
        {
            string? below = null;
            for (var (path, here) = (start, FileIdentity.Of(start)?.File); here is not null && here != below; here = FileIdentity.Of(path += "/..")?.File)
            {
                if (here == whole) return true;
                below = here;
            }
        }

        return false;
    }

    // What leads in a circle, the kernel says, leads nowhere.
    private static string Final(string path) =>
        (PathType.Of(path) == Libc.TypeFile ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.TrimEndingDirectorySeparator(path);
}
