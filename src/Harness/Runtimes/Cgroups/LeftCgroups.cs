using System.Diagnostics;
using System.IO.Enumeration;
using System.Text;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>Cgroups carry their owner in their name: what a killed harness left can be told from what one that runs beside us needs.</summary>
internal static class LeftCgroups
{
    private const string Prefix = "loadline-";

    // In bytes. A call takes 4096, and below this one there is room for names of 255.
    private const int LongPath = 3000;

    /// <summary>The name of a new cgroup: prefix, owner, run.</summary>
    public static string Name(Owner owner, string run) => $"{Prefix}{owner}-{run}";

    /// <summary>Kills and removes the cgroups whose owner is known to be gone, wherever in the hierarchy it ran.</summary>
    /// <exception cref="RuntimeException">The hierarchy cannot be seen.</exception>
    public static async Task RemoveAsync(CgroupTree tree)
    {
        // The kernel's list has mounts that a later one covers, too.
        if (!Directory.Exists(tree.Mount)) throw new RuntimeException($"cgroup: {tree.Mount} is mounted but not visible: another mount covers it");
        // For all together: what cannot be removed today keeps nobody waiting again and again.
        var began = Stopwatch.GetTimestamp();
        foreach (var folder in All(tree.Mount).Where(folder => IsLeft(Path.GetFileName(folder)) && IsOurs(folder)).ToList())
        {
            var left = new Cgroup(tree.Dialect, folder);
            try
            {
                await left.KillAllAsync(CgroupProcesses.Patience - Stopwatch.GetElapsedTime(began));
                await left.RemoveAsync(CgroupProcesses.Patience - Stopwatch.GetElapsedTime(began));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or RuntimeException)
            {
                // Another harness sweeps too and was faster, or a process hangs in the kernel: that must not keep us from working.
            }
        }
    }

    // Not below one that is left, nor below a path that is nearly as long as any can be: what lies there is a program's own, and goes with the cgroup that it ran in.
    private static FileSystemEnumerable<string> All(string mount) =>
        new(mount, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.IsDirectory && entry.FileName.StartsWith(Prefix),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => Encoding.UTF8.GetByteCount(entry.Directory) < LongPath && !IsLeft(entry.FileName),
        };

    private static bool IsLeft(ReadOnlySpan<char> name) =>
        name.StartsWith(Prefix) && name.ToString().Split('-') is [_, var owner, _] && Owner.TryParse(owner)?.Lives == false;

    /// <summary>What another user left, or gave a name as if he had, is for him to remove.</summary>
    private static bool IsOurs(string folder)
    {
        if (PathType.OwnerOf(folder) != ProcessUser.Id) return false;
        try
        {
            using var _ = File.OpenHandle(Path.Join(folder, "cgroup.procs"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
