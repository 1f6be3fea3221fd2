using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Sharded;

namespace Loadline.Checkpoints;

/// <summary>What a path stands for on the disk, by names alone: for those who evict a checkpoint, or hand it to a container, before anyone opens it.</summary>
public static class CheckpointPaths
{
    /// <summary>
    /// The file or folder that holds all of a checkpoint: for an index of shards or the metadata of a distributed checkpoint the folder it lies in,
    /// else the path itself.
    /// </summary>
    public static string Whole(string path) => ShardIndex.HasName(path) || Path.GetFileName(path) == DistributedReader.MetadataName
        ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;

    /// <summary><see cref="Whole"/>, and what the symbolic links in a folder lead to, as in the cache of Hugging Face: there the files lie elsewhere.</summary>
    public static IReadOnlyList<string> WithLinks(string path)
    {
        var whole = Whole(path);
        if (!Directory.Exists(whole)) return [whole];
        // A device or a pipe has no length, and no weights.
        return [whole, .. Directory.GetFiles(whole).Select(TargetOf).OfType<string>().Where(file => File.Exists(file) && new FileInfo(file).Length > 0).Distinct()];
    }

    /// <summary>
    /// What the names of files beside a checkpoint begin with. Of <c>.</c> and <c>..</c> it is the folder's own name: what lies inside, whoever made the checkpoint has written.
    /// </summary>
    internal static string Named(string path)
    {
        var named = path.TrimEnd('/');
        var last = Path.GetFileName(named);
        if (last is not ("." or ".." or "")) return named;
        // Behind a link the folder above is the kernel's to find.
        using var folder = last == ".." ? FolderHandle.TryOpen(named) : null;
        return Path.TrimEndingDirectorySeparator(folder?.FullName ?? Path.GetFullPath(path));
    }

    private static string? TargetOf(string file)
    {
        // What leads in a circle the kernel tells at once; .NET follows it forty times first.
        if (PathType.Of(file) != Libc.TypeFile) return null;
        try
        {
            return File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            // It leads in a circle: nothing of a checkpoint can be behind it.
            return null;
        }
    }
}
