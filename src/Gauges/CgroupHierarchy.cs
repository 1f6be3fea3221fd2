namespace Loadline.Gauges;

/// <summary>
/// Where the cgroup lies that counts this process's memory: its folder, then its ancestors' folders up to the top of what is mounted.
/// </summary>
/// <remarks>
/// cgroups(7), cgroup_namespaces(7). On a hybrid host both versions are mounted and the memory controller belongs to one of them: version 1
/// where /proc/self/cgroup has a line for it, else version 2. A version 2 cgroup may leave memory to an ancestor; then that one is meant.
/// </remarks>
/// <param name="Version">1 or 2.</param>
/// <param name="Folders">From the process's cgroup upwards; never empty.</param>
internal sealed record CgroupHierarchy(int Version, IReadOnlyList<string> Folders)
{
    /// <summary>The process's own cgroup, or the nearest ancestor that counts memory.</summary>
    public string Folder => Folders[0];

    /// <summary>
    /// Finds it below <paramref name="root"/>, or that of another process; null where no limit can be seen: without a memory controller, in version 2's root
    /// cgroup, and where no cgroup file system is mounted, as in a bare chroot or gVisor.
    /// </summary>
    /// <exception cref="GaugeException">Another part of the cgroup file system is mounted here than the one that counts this process.</exception>
    public static CgroupHierarchy? Find(string root, string process = "self")
    {
        var memberships = Path.Join(root, "/proc", process, "cgroup");
        // A kernel without cgroups has no such file.
        if (process == "self" && !File.Exists(memberships)) return null;
        var lines = KernelFile.ReadLines(memberships).Select(line => Membership.Parse(line, memberships)).ToList();
        var v1 = lines.Find(line => line.Controllers.Contains("memory"));
        var membership = v1 ?? lines.Find(line => line.IsUnified);
        if (membership is null) return null;

        var (version, usage) = v1 is null ? (2, "memory.current") : (1, "memory.usage_in_bytes");
        var folders = FoldersOf(membership, root);
        var counting = folders.SkipWhile(folder => !File.Exists(Path.Join(folder, usage))).ToList();
        return counting.Count > 0 ? new CgroupHierarchy(version, counting) : null;
    }

    private static IReadOnlyList<string> FoldersOf(Membership membership, string root)
    {
        var table = Path.Join(root, "/proc/self/mountinfo");
        var mounts = KernelFile.ReadLines(table).Select(line => Mount.Parse(line, table)).Where(membership.IsOf).ToList();
        if (mounts.Count == 0) return [];

        // A container may see its own part at the usual place and the host's tree at another: the longest way up shows the most limits.
        var longest = mounts
            .Select(mount => CgroupPath.Resolve(membership.Path, mount.Root, Path.Join(root, mount.Point)))
            .MaxBy(folders => folders.Count)!;
        return longest.Count > 0
            ? longest
            : throw new GaugeException(table, $"shows another part of the cgroup tree ({mounts[0].Root}) than {membership.Path}");
    }

    /// <summary>One line of /proc/self/cgroup: "4:memory:/a/b" for version 1, "0::/a/b" for version 2.</summary>
    private sealed record Membership(string Id, IReadOnlyList<string> Controllers, string Path)
    {
        public bool IsUnified => Id == "0" && Controllers is [""];

        public static Membership Parse(string line, string path) => line.Split(':', 3) is [var id, var controllers, ['/', ..] cgroup]
            ? new Membership(id, controllers.Split(','), cgroup)
            : throw new GaugeException(path, $"line '{line}' is no cgroup");

        public bool IsOf(Mount mount) => IsUnified ? mount.Type == "cgroup2" : mount.Type == "cgroup" && mount.Options.Contains("memory");
    }
}
