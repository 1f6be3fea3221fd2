using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Gauges;
using BindMount = Docker.DotNet.Models.Mount;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>What a container sees of this machine, under the same paths.</summary>
/// <remarks>
/// A bind mount brings along the file systems that are mounted below it, and leaves them writable where it is read-only itself, unless the Engine (25, API
/// 1.44) and the kernel (5.12, mount_setattr(2)) know better. Where they do not, each is given once more by itself.
/// </remarks>
internal static class BindMounts
{
    // Who mounts as many has given a folder of a container engine's, or the whole machine.
    private const int MostBelow = 256;

    private static readonly System.Version RecursiveApi = new(1, 44);

    private static readonly System.Version RecursiveKernel = new(5, 12);

    /// <summary>The mounts of a run.</summary>
    /// <param name="spec">The run.</param>
    /// <param name="isRecursive">Whether what is read-only is so all the way down: <see cref="IsRecursive"/>.</param>
    /// <exception cref="RuntimeException">Too much is mounted below one of them.</exception>
    public static List<BindMount> Of(ContainerSpec spec, bool isRecursive)
    {
        // An Engine refuses a path that comes twice. What somebody named counts more than what was found, and what is to be written more than what is read.
        var writable = new Dictionary<string, bool>();
        if (!isRecursive) foreach (var below in spec.Mounts.SelectMany(WhatIsBelow)) writable[below] = false;
        foreach (var path in spec.Mounts) writable[Normal(path)] = false;
        foreach (var path in spec.WritableMounts) writable[Normal(path)] = true;
        // Those above first, as they have to be mounted.
        return [.. writable.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => new BindMount { Type = "bind", Source = m.Key, Target = m.Key, ReadOnly = !m.Value })];
    }

    /// <summary>Whether an Engine makes read-only what is mounted below, too.</summary>
    public static bool IsRecursive(System.Version api, string? kernel) =>
        api >= RecursiveApi && kernel?.Split('.', '-') is [var major, var minor, ..]
        && System.Version.TryParse($"{major}.{minor}", out var version) && version >= RecursiveKernel;

    private static string Normal(string path) => path is "/" ? path : path.TrimEnd('/');

    private static List<string> WhatIsBelow(string path)
    {
        const string table = "/proc/self/mountinfo";
        // The kernel knows them by the path without links.
        var inside = PathType.RealPath(path).TrimEnd('/') + "/";
        // One that mounts itself when it is looked at holds nothing yet; what cannot be looked at (hidden under another, a user's own) the Engine could not mount.
        var below = KernelFile.ReadLines(table).Select(line => Mount.Parse(line, table))
            .Where(mount => mount.Type != "autofs" && mount.Point.StartsWith(inside, StringComparison.Ordinal))
            .Select(mount => Path.Join(path, mount.Point[inside.Length..])).Distinct().ToList();
        if (below.Count > MostBelow) throw new RuntimeException($"docker: {below.Count} file systems are mounted below {path}: name a folder further down");
        if (below.Find(mounted => mounted.Contains('\ufffd', StringComparison.Ordinal)) is { } odd)
            throw new RuntimeException($"docker: below {path} something is mounted at {PrintableText.Escape(odd)}, which has bytes in its name that are no UTF-8 and cannot be given read-only: name a folder further down");
        return [.. below.Where(Path.Exists)];
    }
}
