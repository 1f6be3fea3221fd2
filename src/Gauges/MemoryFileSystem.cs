namespace Loadline.Gauges;

/// <summary>
/// File systems whose files are memory: charged to whoever touches them, and never evicted. A checkpoint there makes every measurement wrong, and
/// what is offloaded there is not offloaded.
/// </summary>
public static class MemoryFileSystem
{
    /// <summary>The kind that a file or folder lies on, <c>tmpfs</c>, <c>devtmpfs</c> or <c>ramfs</c>, or that it would lie on if it were made; null for one on a disk.</summary>
    public static string? Of(string path)
    {
        // A link lies in one place, and what it leads to in another.
        if (File.Exists(path)) path = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var there = new DirectoryInfo(path);
        while (!there.Exists) there = there.Parent!;
        var kind = new DriveInfo(there.FullName).DriveFormat;
        return kind is "tmpfs" or "devtmpfs" or "ramfs" ? kind : null;
    }
}
