using System.IO.Enumeration;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>Cgroups carry their owner in their name: what a killed harness left can be told from what one that runs beside us needs.</summary>
internal static class LeftCgroups
{
    private const string Prefix = "loadline-";

    /// <summary>The name of a new cgroup: prefix, owner, run.</summary>
    public static string Name(Owner owner, string run) => $"{Prefix}{owner}-{run}";

    /// <summary>Kills and removes the cgroups whose owner is known to be gone, wherever in the hierarchy it ran.</summary>
    /// <exception cref="RuntimeException">The hierarchy cannot be seen.</exception>
    public static async Task RemoveAsync(CgroupTree tree)
    {
        // The kernel's list has mounts that a later one covers, too.
        if (!Directory.Exists(tree.Mount)) throw new RuntimeException($"cgroup: {tree.Mount} is mounted but not visible: another mount covers it");
        foreach (var folder in All(tree.Mount).Where(folder => IsLeft(folder) && IsOurs(folder)).ToList())
        {
            var left = new Cgroup(tree.Dialect, folder);
            try
            {
                await left.KillAllAsync();
                await left.RemoveAsync();
            }
            catch (Exception e) when (e is IOException or RuntimeException)
            {
                // Another harness sweeps too and was faster, or a process hangs in the kernel: that must not keep us from working.
            }
        }
    }

    // Not below a path that is nearly as long as any can be: what lies there is a program's own, and goes with the cgroup that it ran in.
    private static FileSystemEnumerable<string> All(string mount) =>
        new(mount, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.IsDirectory && entry.FileName.StartsWith(Prefix),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => entry.Directory.Length + entry.FileName.Length < ShortFolder.LongPath,
        };

    private static bool IsLeft(string folder) =>
        Path.GetFileName(folder).Split('-') is [_, var owner, _] && Owner.TryParse(owner)?.Lives == false;

    /// <summary>What root left is for root to remove.</summary>
    private static bool IsOurs(string folder)
    {
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
