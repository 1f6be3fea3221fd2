using Loadline.Gauges;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Finds the cgroup of a running container on this machine, to read it from outside. The Engine's own statistics come once a second.</summary>
internal static class ContainerWatch
{
    /// <summary>Said of a program that was too short to be read.</summary>
    public const string EndedFirst = "the program ended before its cgroup could be read";

    /// <summary>Begins to read a container's memory, or says why that cannot be done from here.</summary>
    /// <param name="id">The container's.</param>
    /// <param name="pid">Of its first process, as the Engine names it.</param>
    public static (CgroupWatch? Watch, string? WhyNot) Start(string id, long pid)
    {
        // The Engine keeps no process id of a container that has ended.
        if (pid == 0) return (null, EndedFirst);
        try
        {
            var memory = CgroupMemory.OpenOf((int)pid);
            // The Engine may run on another machine or in another PID namespace, where the same number is somebody else's. Whatever names the
            // cgroup, cgroupfs or systemd, Docker or Podman, puts the container's id into it.
            if (memory.Folder.Contains(id, StringComparison.Ordinal)) return (CgroupWatch.Start(memory), null);
            memory.Dispose();
            return (null, "the Engine's processes cannot be seen from here");
        }
        catch (Exception e) when (e is GaugeException or IOException or UnauthorizedAccessException)
        {
            return (null, "the container's cgroup cannot be read from here");
        }
    }

    /// <summary>An outcome with what was read until now, or why nothing was.</summary>
    public static ContainerOutcome Read(ContainerOutcome outcome, CgroupWatch? watch, string? whyUnread)
    {
        var peaks = watch?.Stop();
        return outcome with
        {
            CgroupPeakBytes = peaks?.Bytes,
            AnonymousPeakBytes = peaks?.AnonymousBytes,
            WhyUnread = peaks is { AnonymousBytes: null } ? EndedFirst : whyUnread,
        };
    }
}
