using Loadline.Gauges;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>Where the memory controller is mounted, and where in it this process may hope to make cgroups.</summary>
/// <param name="Dialect">Version 1 or 2.</param>
/// <param name="Mount">The mount point.</param>
/// <param name="Own">The directory of this process's own cgroup.</param>
internal sealed record CgroupTree(CgroupDialect Dialect, string Mount, string Own)
{
    /// <summary>
    /// Directories to try, best first. Below its own cgroup a run stays under the limits that hold for us; but in v2 a cgroup that has processes,
    /// like our own, hands no controllers to children (unless it is the root), so its parent comes next; the root is left to root.
    /// </summary>
    public IReadOnlyList<string> Candidates => Dialect.Version == 1 || Own == Mount
        ? [.. new[] { Own, Mount }.Distinct()]
        : [.. new[] { Path.GetDirectoryName(Own)!, Mount }.Distinct()];

    /// <summary>Reads it from <c>/proc</c>.</summary>
    /// <param name="root">What stands before all paths, for recorded trees.</param>
    /// <exception cref="RuntimeException">No memory controller is mounted.</exception>
    public static CgroupTree Find(string root = "/")
    {
        var mounts = KernelFile.ReadLines(Path.Join(root, "proc/self/mountinfo")).Select(MountLine.TryParse).OfType<MountLine>().ToList();
        var own = KernelFile.ReadLines(Path.Join(root, "proc/self/cgroup"));

        // A machine may mount both: the controller is in one of them only, in v1 where that names it.
        if (mounts.FirstOrDefault(mount => mount.FileSystem == "cgroup" && mount.Options.Contains("memory")) is { } v1)
            return Of(CgroupDialect.V1, v1, OwnPath(own, controllers => controllers.Split(',').Contains("memory")), root);
        if (mounts.FirstOrDefault(mount => mount.FileSystem == "cgroup2") is { } v2)
            return Of(CgroupDialect.V2, v2, OwnPath(own, controllers => controllers.Length == 0), root);
        throw new RuntimeException("cgroup: no memory controller is mounted: mount cgroup2 at /sys/fs/cgroup, or use --runtime docker");
    }

    private static CgroupTree Of(CgroupDialect dialect, MountLine mount, string path, string root)
    {
        // A container sees a part of the hierarchy mounted, and may still be told its path from the hierarchy's root.
        var inside = Path.GetRelativePath(mount.Root, path);
        var point = root.TrimEnd('/') + mount.Point;
        return new CgroupTree(dialect, point, inside == "." || inside.StartsWith("..", StringComparison.Ordinal) ? point : Path.Join(point, inside));
    }

    /// <summary>Lines are "ID:CONTROLLERS:PATH".</summary>
    private static string OwnPath(IEnumerable<string> lines, Func<string, bool> isMemory) =>
        lines.Select(line => line.Split(':', 3)).FirstOrDefault(parts => parts.Length == 3 && isMemory(parts[1]))?[2] ?? "/";

    /// <summary>A line of proc_pid_mountinfo(5): "ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE SOURCE SUPER-OPTIONS".</summary>
    private sealed record MountLine(string Root, string Point, string FileSystem, string[] Options)
    {
        public static MountLine? TryParse(string line) =>
            line.Split(" - ", 2) is [var left, var right]
            && left.Split(' ') is [_, _, _, var root, var point, ..]
            && right.Split(' ') is [var type, _, var options, ..]
                ? new MountLine(root, point, type, options.Split(','))
                : null;
    }
}
