using System.Globalization;

namespace Loadline.Gauges;

/// <summary>Turns a cgroup's path, as the kernel tells it, into the folders where a mount shows it.</summary>
internal static class CgroupPath
{
    private const string Up = "..";

    /// <summary>The folders of the cgroup and its ancestors, the mount's own last; none if the mount does not show it.</summary>
    /// <param name="cgroup">The path in /proc/self/cgroup, seen from the root of this process's cgroup namespace.</param>
    /// <param name="mountRoot">The root field of the mount, seen from there as well.</param>
    /// <param name="mountPoint">Where the mount lies.</param>
    public static IReadOnlyList<string> Resolve(string cgroup, string mountRoot, string mountPoint)
    {
        var (path, top) = (Split(cgroup), Split(mountRoot));
        if (path.AsSpan().StartsWith(top)) return path.Skip(top.Length).Contains(Up) ? [] : Chain(mountPoint, path[top.Length..]);

        // A mount made outside this cgroup namespace: its root "/../.." lies two levels above ours, whose own names nobody tells.
        if (top.Any(name => name != Up)) return [];
        var names = path.SkipWhile(name => name == Up).ToArray();
        var unnamed = top.Length - (path.Length - names.Length);
        return Descend(mountPoint, unnamed).FirstOrDefault(start => IsHome(Path.Join([start, .. names]))) is { } home
            ? Chain(mountPoint, [.. Split(home[mountPoint.Length..]), .. names])
            : [];
    }

    private static List<string> Chain(string mountPoint, IEnumerable<string> names)
    {
        var folders = new List<string> { mountPoint };
        foreach (var name in names) folders.Insert(0, Path.Join(folders[0], name));
        return Directory.Exists(folders[0]) ? folders : [];
    }

    private static IEnumerable<string> Descend(string folder, int levels) =>
        !Directory.Exists(folder) ? []
        : levels == 0 ? [folder]
        : Directory.EnumerateDirectories(folder).SelectMany(child => Descend(child, levels - 1));

    private static bool IsHome(string folder)
    {
        var members = Path.Join(folder, "cgroup.procs");
        var self = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return File.Exists(members) && KernelFile.ReadLines(members).Contains(self);
    }

    private static string[] Split(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
