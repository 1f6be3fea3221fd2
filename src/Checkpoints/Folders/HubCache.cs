using System.Text;
using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Folders;

/// <summary>
/// A repository in the cache of the Hugging Face hub: <c>models--ORG--NAME</c> with <c>refs/main</c>, which names one of <c>snapshots/</c>, whose files are
/// links into <c>blobs/</c>. Source: huggingface_hub's guide to its cache.
/// </summary>
internal static class HubCache
{
    private const string FolderStart = "models--";

    // A commit's hash, or a branch's name.
    private const int MaxRevisionBytes = 256;

    /// <summary>The snapshot that a folder of the cache stands for; null where it is no such folder.</summary>
    /// <exception cref="CheckpointException">It is one, but has no snapshot, or several and nothing that says which.</exception>
    public static string? SnapshotOf(string folder)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        var snapshots = Path.Combine(folder, "snapshots");
        if (!name.StartsWith(FolderStart, StringComparison.Ordinal) || !Directory.Exists(snapshots)) return null;
        // The cache has none, and others load these as a model's.
        if (Directory.EnumerateFiles(folder).FirstOrDefault(IsNotTheSystems) is { } beside)
            throw new CheckpointException(
                CheckpointError.Malformed, folder, $"is called as a folder of the Hugging Face cache, and has '{Path.GetFileName(beside)}' beside its snapshots: name the file, or the folder of a snapshot");
        var main = Path.Combine(folder, "refs", "main");
        if (File.Exists(main)) return Named(folder, snapshots, Encoding.UTF8.GetString(SourceFile.ReadWhole(main, MaxRevisionBytes, "the revision")));
        return Directory.GetDirectories(snapshots) switch
        {
            [var only] => only,
            [] => throw Refuse(folder, "has no snapshot: the download is not complete"),
            _ => throw Refuse(folder, "has several snapshots and no refs/main that says which: name one of the folders in snapshots"),
        };
    }

    // As .DS_Store is.
    private static bool IsNotTheSystems(string path) => Path.GetFileName(path) is var name && (name[0] != '.' || name == DistributedReader.MetadataName);

    // The revision is a stranger's text, and becomes a part of a path: as it is, since the hub's library cuts no blanks from it.
    private static string Named(string folder, string snapshots, string revision)
    {
        if (revision is "" or "." or ".." || revision.AsSpan().ContainsAny('/', '\0', '\ufffd')) throw Refuse(folder, $"has a refs/main that names no snapshot: '{revision}'");
        var snapshot = Path.Combine(snapshots, revision);
        return Directory.Exists(snapshot) ? snapshot : throw Refuse(folder, $"has no snapshot {revision}, which its refs/main names: download it again");
    }

    private static CheckpointException Refuse(string folder, string problem) => new(CheckpointError.NotFound, folder, $"is a folder of the Hugging Face cache and {problem}");
}
