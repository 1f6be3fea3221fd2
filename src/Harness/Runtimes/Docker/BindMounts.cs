using Loadline.Gauges;
using Microsoft.Win32.SafeHandles;
using BindMount = Docker.DotNet.Models.Mount;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>What a container sees of this machine, under the same paths.</summary>
/// <remarks>
/// A bind mount brings along the file systems that are mounted below it, and leaves them writable where it is read-only itself: Engines before 25, and
/// kernels before 5.12 (mount_setattr(2)), know no other way. Each of them is therefore given once more by itself.
/// </remarks>
internal static class BindMounts
{
    // Who mounts as many has given a folder of a container engine's, or the whole machine.
    private const int MostBelow = 256;

    private const int OpenPath = 0x200000;

    /// <summary>The mounts of a run.</summary>
    /// <exception cref="RuntimeException">Too much is mounted below one of them.</exception>
    public static List<BindMount> Of(ContainerSpec spec) =>
    [
        .. spec.Mounts.SelectMany(path => WhatIsBelow(path).Prepend(path)).Select(path => Bind(path, isReadOnly: true)),
        .. spec.WritableMounts.Select(path => Bind(path, isReadOnly: false)),
    ];

    private static BindMount Bind(string path, bool isReadOnly) => new() { Type = "bind", Source = path, Target = path, ReadOnly = isReadOnly };

    // Those above first, as they have to be mounted.
    private static List<string> WhatIsBelow(string path)
    {
        const string table = "/proc/self/mountinfo";
        // The kernel knows them by the path without links.
        var real = RealPath(path);
        var inside = real.TrimEnd('/') + "/";
        var below = KernelFile.ReadLines(table).Select(line => Mount.Parse(line, table).Point).Where(point => point.StartsWith(inside, StringComparison.Ordinal)).Distinct()
            .Order(StringComparer.Ordinal).Select(point => Path.Join(path, point[inside.Length..])).ToList();
        return below.Count <= MostBelow ? below : throw new RuntimeException($"docker: {below.Count} file systems are mounted below {path}: name a folder further down");
    }

    private static string RealPath(string path)
    {
        var descriptor = Libc.open(path, OpenPath | Libc.OpenCloseOnExec);
        // What is wrong with it the Engine says.
        if (descriptor < 0) return path;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget ?? path;
    }
}
