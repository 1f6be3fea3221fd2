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
        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        foreach (var folder in Directory.GetDirectories(tree.Mount, Prefix + "*", everywhere).Where(folder => IsLeft(folder) && IsOurs(folder)))
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
