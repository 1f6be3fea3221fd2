using System.Diagnostics;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>The end of a cgroup: its processes, whoever started them, and itself.</summary>
internal static class CgroupProcesses
{
    /// <summary>A process that sleeps in the kernel dies when it wakes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Kills until nobody is left: a process may fork while others are being killed.</summary>
    /// <param name="cgroup">The cgroup.</param>
    /// <param name="patience">How long to try; null for <see cref="Patience"/>.</param>
    /// <exception cref="RuntimeException">One does not die.</exception>
    public static async Task KillAllAsync(this Cgroup cgroup, TimeSpan? patience = null)
    {
        var began = Stopwatch.GetTimestamp();
        HashSet<int> before = [];
        // At once, where the kernel can: to look for them takes as long as a program has made cgroups.
        if (!cgroup.HoldsUs()) cgroup.TryKillAll();
        for (var processes = cgroup.Processes(); processes.Count > 0; processes = cgroup.Processes())
        {
            Kill(cgroup, processes);
            if (Stopwatch.GetElapsedTime(began) > (patience ?? Patience))
                throw new RuntimeException($"cgroup: process {processes[0]} in {cgroup.Folder} does not die: see /proc/{processes[0]}/stack");
            // One by one, whoever forks faster than this would never end: no pause while new ones come.
            if (before.IsSupersetOf(processes)) await Task.Delay(Pause);
            before = [.. processes];
        }
    }

    /// <summary>Removes the cgroup and whoever came late into it; the kernel holds it for a moment after its last process.</summary>
    /// <param name="cgroup">The cgroup.</param>
    /// <param name="patience">How long to try; null for <see cref="Patience"/>.</param>
    /// <exception cref="RuntimeException">It stays.</exception>
    public static async Task RemoveAsync(this Cgroup cgroup, TimeSpan? patience = null)
    {
        var began = Stopwatch.GetTimestamp();
        while (!cgroup.TryRemove())
        {
            if (Stopwatch.GetElapsedTime(began) > (patience ?? Patience)) throw new RuntimeException($"cgroup: {cgroup.Folder} cannot be removed: rmdir it");
            // A shell that was about to enrol when its parent was killed has done so since.
            Kill(cgroup, cgroup.Processes());
            await Task.Delay(Pause);
        }
    }

    private static void Kill(Cgroup cgroup, IReadOnlyList<int> processes)
    {
        var holdsUs = cgroup.HoldsUs();
        if (holdsUs || !cgroup.TryKillAll()) foreach (var process in processes.Where(id => id != Environment.ProcessId)) Kill(process);
        // Our own end would look like one by the cap.
        if (holdsUs) throw new RuntimeException($"cgroup: the program moved this process into its own cgroup, {cgroup.Folder}");
    }

    private static void Kill(int id)
    {
        // Gone in the meantime it is an error that nobody needs; who lives on in spite of the signal is seen by the caller.
        _ = Libc.kill(id, Libc.SignalKill);
    }
}
