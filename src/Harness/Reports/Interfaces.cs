namespace Loadline.Harness.Reports;

/// <summary>Which interface of the kernel, or whose word, each figure of the page is.</summary>
internal static class Interfaces
{
    /// <summary>Figure and interface, for results of one version of cgroup.</summary>
    public static IReadOnlyList<(string Figure, string From)> Of(int cgroupVersion) => cgroupVersion == 1 ? V1 : V2;

    private static readonly (string, string)[] Common =
    [
        ("anon, of a load", "RssAnon + RssShmem of /proc/self/status, every 5 ms; of several processes as for a command"),
        ("RSS", "VmHWM of /proc/self/status"),
        ("host, device", "the engine's own count of what it allocated; the memory controller does not count the memory of GPUs"),
        ("read from the disk", "read_bytes of /proc/PID/io"),
        ("major faults", "majflt of /proc/self/stat"),
        ("the largest processes", "RssAnon, RssFile and RssShmem of /proc/PID/status"),
        ("cold", "mincore of the checkpoint's pages before the load"),
    ];

    private static readonly (string, string)[] V1 =
    [
        .. Common,
        ("anon, of a command", "total_rss + total_shmem of memory.stat, every 2 ms; its upper end by memory.max_usage_in_bytes and total_pgfault"),
        ("killed", "oom_kill of memory.oom_control, with exit code 137"),
        ("charged, and its peak", "memory.usage_in_bytes, memory.max_usage_in_bytes"),
        ("anonymous, page cache, shmem", "total_rss, total_cache - total_shmem, total_shmem of memory.stat"),
        ("mapped, dirty", "total_mapped_file, total_dirty + total_writeback of memory.stat"),
        ("locked", "the page cache less total_active_file and total_inactive_file of memory.stat"),
        ("kernel", "memory.kmem.usage_in_bytes"),
        ("refaults", "total_workingset_refault_file of memory.stat"),
        ("waited for memory, slowed down", "nothing: memory.pressure and memory.high are of cgroup v2"),
    ];

    private static readonly (string, string)[] V2 =
    [
        .. Common,
        ("anon, of a command", "anon + shmem of memory.stat, every 2 ms; its upper end by memory.peak and pgfault"),
        ("killed", "oom_kill of memory.events, with exit code 137"),
        ("charged, and its peak", "memory.current, memory.peak"),
        ("anonymous, page cache, shmem", "anon, file - shmem, shmem of memory.stat"),
        ("mapped, dirty", "file_mapped, file_dirty + file_writeback of memory.stat"),
        ("locked", "the page cache less active_file and inactive_file of memory.stat"),
        ("kernel", "kernel of memory.stat"),
        ("refaults", "workingset_refault_file of memory.stat"),
        ("waited for memory, slowed down", "total of some in memory.pressure, high of memory.events"),
    ];
}
