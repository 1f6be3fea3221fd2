namespace Loadline.Unit.Gauges;

/// <summary>A copy of the parts of /proc and /sys that the gauges read, as a machine showed them.</summary>
internal sealed class RecordedTree : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Root => _folder.Path;

    /// <summary>Writes a file; null removes it.</summary>
    public string? this[string path]
    {
        set
        {
            var file = Path.Join(Root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            if (value is null) File.Delete(file);
            else if (File.Exists(file)) File.WriteAllText(file, value);
            else Appear(file, value);
        }
    }

    // With its contents, as the kernel's do: somebody may be waiting for it.
    private void Appear(string file, string text)
    {
        var elsewhere = Path.Join(Root, "appearing");
        File.WriteAllText(elsewhere, text);
        File.Move(elsewhere, file);
    }

    /// <summary>Version 1 on a host with both versions mounted; memory belongs to version 1. Recorded on Debian 12, Linux 6.18.</summary>
    public static RecordedTree V1OnAHybridHost() => new()
    {
        ["/proc/meminfo"] = MemInfo,
        ["/proc/self/cgroup"] = "9:name=systemd:/\n8:pids:/\n4:memory:/jobs/612edac8\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n",
        ["/proc/self/mountinfo"] = """
            23 1 254:0 / / rw,relatime - ext4 /dev/root rw
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

            """,
        ["/sys/fs/cgroup/memory/memory.usage_in_bytes"] = "209715200\n",
        ["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = NoLimit,
        ["/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes"] = "131072000\n",
        ["/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes"] = NoLimit,
        ["/sys/fs/cgroup/memory/jobs/612edac8/memory.usage_in_bytes"] = "83808256\n",
        ["/sys/fs/cgroup/memory/jobs/612edac8/memory.max_usage_in_bytes"] = "100134912\n",
        ["/sys/fs/cgroup/memory/jobs/612edac8/memory.limit_in_bytes"] = NoLimit,
        ["/sys/fs/cgroup/memory/jobs/612edac8/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
        ["/sys/fs/cgroup/memory/jobs/612edac8/memory.stat"] = V1Stat(limit: 9223372036854771712),
        ["/sys/fs/cgroup/unified/cgroup.procs"] = "1\n",
    };

    /// <summary>Version 1 in `docker run --memory 256m`: the mount shows the container's own cgroup only. Docker 20.10.</summary>
    public static RecordedTree V1InDocker() => new()
    {
        ["/proc/meminfo"] = MemInfo,
        ["/proc/self/cgroup"] = $"9:name=systemd:/docker/{Container}\n4:memory:/docker/{Container}\n0::/docker/{Container}\n",
        ["/proc/self/mountinfo"] = $"""
            77 76 0:46 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755
            78 77 0:29 /docker/{Container} /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu
            81 77 0:32 /docker/{Container} /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,memory
            86 77 0:37 /docker/{Container} /sys/fs/cgroup/systemd ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,name=systemd

            """,
        ["/sys/fs/cgroup/memory/memory.usage_in_bytes"] = "1486848\n",
        ["/sys/fs/cgroup/memory/memory.max_usage_in_bytes"] = "4091904\n",
        ["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "268435456\n",
        ["/sys/fs/cgroup/memory/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
        ["/sys/fs/cgroup/memory/memory.stat"] = V1Stat(limit: 268435456),
    };

    /// <summary>Version 2 on a host that systemd set up: slices within slices, limits on some.</summary>
    public static RecordedTree V2OnASystemdHost() => new()
    {
        ["/proc/meminfo"] = MemInfo,
        ["/proc/self/cgroup"] = "0::/user.slice/user-1000.slice/session-2.scope\n",
        ["/proc/self/mountinfo"] = """
            24 30 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
            35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot

            """,
        ["/sys/fs/cgroup/memory.stat"] = V2Stat,
        ["/sys/fs/cgroup/user.slice/memory.current"] = "734003200\n",
        ["/sys/fs/cgroup/user.slice/memory.max"] = "8589934592\n",
        ["/sys/fs/cgroup/user.slice/user-1000.slice/memory.current"] = "629145600\n",
        ["/sys/fs/cgroup/user.slice/user-1000.slice/memory.max"] = "2147483648\n",
        ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.current"] = "524288000\n",
        ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.peak"] = "786432000\n",
        ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.max"] = "max\n",
        ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.events"] = V2Events,
        ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.stat"] = V2Stat,
    };

    /// <summary>Version 2 in a container with its own cgroup namespace: the container's cgroup is the root of all it sees.</summary>
    public static RecordedTree V2InAContainer() => new()
    {
        ["/proc/meminfo"] = MemInfo,
        ["/proc/self/cgroup"] = "0::/\n",
        ["/proc/self/mountinfo"] = """
            612 611 0:57 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro
            613 612 0:30 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot

            """,
        ["/sys/fs/cgroup/memory.current"] = "3145728\n",
        ["/sys/fs/cgroup/memory.peak"] = "5242880\n",
        ["/sys/fs/cgroup/memory.max"] = "536870912\n",
        ["/sys/fs/cgroup/memory.events"] = V2Events,
        ["/sys/fs/cgroup/memory.stat"] = V2Stat,
    };

    public const long PhysicalBytes = 24684092 * 1024L;
    public const string Container = "444ae13d71c158ad43acbd58ee697c7d660d38d1a52ba47c7ca3e7f36b1727e1";
    private const string NoLimit = "9223372036854771712\n";
    private const string MemInfo = "MemTotal:       24684092 kB\nMemFree:        24327768 kB\nMemAvailable:   24324112 kB\n";
    private const string V2Events = "low 0\nhigh 0\nmax 33\noom 6\noom_kill 1\noom_group_kill 0\n";
    private const string V2Stat = "anon 1695744\nfile 81989632\nkernel 2441216\nkernel_stack 49152\nshmem 8192\npgmajfault 79\n";

    public static string V1Stat(long limit) => $"""
        cache 81981440
        rss 1601536
        rss_huge 0
        shmem 4096
        mapped_file 4096
        pgmajfault 79
        hierarchical_memory_limit {limit}
        hierarchical_memsw_limit 9223372036854771712
        total_cache 81989632
        total_rss 1695744
        total_rss_huge 0
        total_shmem 8192
        total_mapped_file 4096
        total_pgmajfault 79

        """;

    public void Dispose() => _folder.Dispose();
}
