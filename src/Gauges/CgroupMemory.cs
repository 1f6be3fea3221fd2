using System.Globalization;

namespace Loadline.Gauges;

/// <summary>What a cgroup's memory consists of, descendants included. It is updated in batches: it may lag by 256 KiB a core.</summary>
/// <param name="AnonBytes">Anonymous memory. Without swap it cannot be reclaimed.</param>
/// <param name="FileBytes">Page cache, <paramref name="ShmemBytes"/> included.</param>
/// <param name="ShmemBytes">Shared memory and tmpfs. Without swap it cannot be reclaimed.</param>
public readonly record struct CgroupComposition(long AnonBytes, long FileBytes, long ShmemBytes);

/// <summary>Gauges of the cgroup that counts this process's memory, version 1 or 2.</summary>
/// <remarks>
/// Sources: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst of the Linux kernel. Page cache is charged to the cgroup that
/// touched it first: pages that others had in the cache before are not counted here.
/// </remarks>
public sealed class CgroupMemory : IDisposable
{
    /// <summary>By how much the kernel's count of a cgroup's memory may be off: each processor keeps back up to 64 pages. For 128 of them.</summary>
    internal const long CountErrorBytes = 32 * ByteSize.MiB;

    private const string KernelUsage = "memory.kmem.usage_in_bytes";

    private readonly CgroupHierarchy _hierarchy;
    private readonly KernelFile _usage;
    private KernelFile? _stat;
    private KernelFile? _kernel;
    private KernelFile? _peak;
    private KernelFile? _events;

    private CgroupMemory(CgroupHierarchy hierarchy)
    {
        _hierarchy = hierarchy;
        _usage = KernelFile.Open(PathOf(v1: "memory.usage_in_bytes", v2: "memory.current"));
    }

    /// <summary>1 or 2.</summary>
    public int Version => _hierarchy.Version;

    /// <summary>The cgroup's folder, as in /sys/fs/cgroup/memory/docker/ID.</summary>
    public string Folder => _hierarchy.Folder;

    /// <summary>Opens the cgroup of this process.</summary>
    /// <param name="root">A folder that holds a copy of /proc and /sys; empty for the real ones.</param>
    /// <exception cref="GaugeException">No cgroup counts this process's memory, or none is visible.</exception>
    public static CgroupMemory Open(string root = "") => CgroupHierarchy.Find(root) is { } hierarchy
        ? new CgroupMemory(hierarchy)
        : throw new GaugeException(
            Path.Join(root, "/proc/self/cgroup"),
            "no cgroup counts this process's memory, or none is mounted here: mount the cgroup file system, read-only is enough, or start it in one (systemd-run --user --scope)");

    /// <summary>
    /// Opens the cgroup of this process, or says with null that none is seen to count its memory: a shell outside containers may be in none, a chroot
    /// may show none.
    /// </summary>
    public static CgroupMemory? TryOpen(string root = "/") => CgroupHierarchy.Find(root) is { } hierarchy ? new CgroupMemory(hierarchy) : null;

    /// <summary>Opens the cgroup of another process, to read it from outside.</summary>
    /// <param name="process">Its id, as this process sees it.</param>
    /// <param name="root">As for <see cref="Open"/>.</param>
    /// <exception cref="GaugeException">There is no such process, no cgroup counts its memory, or that is not visible from here.</exception>
    public static CgroupMemory OpenOf(int process, string root = "")
    {
        var name = process.ToString(CultureInfo.InvariantCulture);
        return CgroupHierarchy.Find(root, name) is { } hierarchy
            ? new CgroupMemory(hierarchy)
            : throw new GaugeException(Path.Join(root, "/proc", name, "cgroup"), "no cgroup counts this process's memory");
    }

    /// <summary>Opens another cgroup than this process's own, to read it from outside.</summary>
    /// <param name="version">1 or 2.</param>
    /// <param name="folder">Its directory in the memory controller's hierarchy.</param>
    /// <exception cref="GaugeException">There is none.</exception>
    public static CgroupMemory OpenAt(int version, string folder) => new(new CgroupHierarchy(version, [folder]));

    /// <summary>What the cgroup is charged with now, page cache included. Allocates nothing.</summary>
    /// <exception cref="GaugeException">The cgroup is gone.</exception>
    public long ReadUsageBytes()
    {
        Span<byte> buffer = stackalloc byte[32];
        return _usage.Read(buffer).Number;
    }

    /// <summary>
    /// The highest usage since the cgroup was made, perhaps by an earlier process; null on version 2 before Linux 5.19, which keeps none.
    /// </summary>
    public long? ReadPeakBytes()
    {
        if (_peak is null)
        {
            var path = PathOf(v1: "memory.max_usage_in_bytes", v2: "memory.peak");
            if (Version == 2 && !File.Exists(path)) return null;
            _peak = KernelFile.Open(path);
        }

        return _peak.Read(stackalloc byte[32]).Number;
    }

    /// <summary>How many processes the kernel killed here for memory; on version 2, in descendants as well.</summary>
    public long ReadOomKills()
    {
        _events ??= KernelFile.Open(PathOf(v1: "memory.oom_control", v2: "memory.events"));
        return _events.Read(stackalloc byte[256]).Field("oom_kill"u8);
    }

    /// <summary>What the usage consists of. Allocates nothing after the first time.</summary>
    public CgroupComposition ReadComposition()
    {
        _stat ??= KernelFile.Open(PathOf(v1: "memory.stat", v2: "memory.stat"));
        var stat = _stat.Read(stackalloc byte[KernelFile.MaxBytes]);
        // Version 1 gives a cgroup's own numbers under the bare names, and those of the whole subtree, as version 2 does, under "total_".
        return Version == 1
            ? new CgroupComposition(stat.Field("total_rss"u8), stat.Field("total_cache"u8), stat.Field("total_shmem"u8))
            : new CgroupComposition(stat.Field("anon"u8), stat.Field("file"u8), stat.Field("shmem"u8));
    }

    /// <summary>
    /// How many pages of files were read back that the kernel had dropped from this cgroup not long before, descendants included; null where the kernel does
    /// not keep it (version 1 before Linux 5.9).
    /// </summary>
    public long? ReadFileRefaults()
    {
        _stat ??= KernelFile.Open(PathOf(v1: "memory.stat", v2: "memory.stat"));
        var stat = _stat.Read(stackalloc byte[KernelFile.MaxBytes]);
        return Version == 1 ? stat.FieldIfAny("total_workingset_refault_file"u8) : stat.FieldIfAny("workingset_refault_file"u8);
    }

    /// <summary>
    /// The seconds in which at least one task of this cgroup waited for memory, by the kernel's pressure stall information; null on version 1, which has none
    /// for a cgroup, and where it is turned off.
    /// </summary>
    public double? ReadPressureSeconds()
    {
        const double MicrosecondsPerSecond = 1e6;
        var path = Path.Join(Folder, "memory.pressure");
        if (Version == 1 || !File.Exists(path)) return null;
        try
        {
            return KernelFile.ReadOnce(path, stackalloc byte[256]).PressureTotal("some"u8) / MicrosecondsPerSecond;
        }
        catch (GaugeException)
        {
            // psi=0 on the kernel's command line: the file is there, and reading it is an error.
            return null;
        }
    }

    /// <summary>How often a process here went over memory.high and was slowed down; null in version 1.</summary>
    internal long? ReadHighEvents() =>
        Version == 1 ? null : KernelFile.ReadOnce(PathOf(v1: "", v2: "memory.events"), stackalloc byte[256]).FieldIfAny("high"u8);

    /// <summary>All that a bound on the peak is computed from. The peak comes last: it covers whatever the other numbers tell of.</summary>
    internal CgroupReading Read()
    {
        _stat ??= KernelFile.Open(PathOf(v1: "memory.stat", v2: "memory.stat"));
        var chargedBefore = ReadUsageBytes();
        var stat = _stat.Read(stackalloc byte[KernelFile.MaxBytes]);
        var (anon, file, shmem, faults, huge) = Version == 1
            ? (stat.Field("total_rss"u8), stat.Field("total_cache"u8), stat.Field("total_shmem"u8), stat.FieldIfAny("total_pgfault"u8), null)
            : (stat.Field("anon"u8), stat.Field("file"u8), stat.Field("shmem"u8), stat.FieldIfAny("pgfault"u8), stat.FieldIfAny("thp_fault_alloc"u8) + stat.FieldIfAny("thp_collapse_alloc"u8));
        // The counters are not of one moment.
        var cache = Math.Max(0, file - shmem);
        var isV1 = Version == 1;
        var refaults = isV1 ? stat.FieldIfAny("total_workingset_refault_file"u8) : stat.FieldIfAny("workingset_refault_file"u8);
        var (kernel, sockets) = isV1 ? (ReadKernelBytes(), 0) : (stat.FieldIfAny("kernel"u8), stat.FieldIfAny("sock"u8) ?? 0);
        var charged = ReadUsageBytes();
        return new CgroupReading(anon + shmem, cache, shmem, HugePages.FaultedBytes(faults, huge), ReadPeakBytes())
        {
            ParkedBytes = Math.Min(chargedBefore, charged) - anon - file - sockets - kernel is { } parked ? Math.Max(0, parked) : null,
            RefaultedBytes = refaults * Environment.SystemPageSize,
            Classes = new MemoryClasses
            {
                AnonymousBytes = anon,
                PageCacheBytes = cache,
                ShmemBytes = shmem,
                MappedFileBytes = isV1 ? stat.FieldIfAny("total_mapped_file"u8) : stat.FieldIfAny("file_mapped"u8),
                KernelBytes = kernel,
                DirtyBytes = isV1
                    ? stat.FieldIfAny("total_dirty"u8) + stat.FieldIfAny("total_writeback"u8)
                    : stat.FieldIfAny("file_dirty"u8) + stat.FieldIfAny("file_writeback"u8),
                LockedBytes = cache - (isV1
                    ? stat.FieldIfAny("total_active_file"u8) + stat.FieldIfAny("total_inactive_file"u8)
                    : stat.FieldIfAny("active_file"u8) + stat.FieldIfAny("inactive_file"u8)) is { } locked ? Math.Max(0, locked) : null,
                ChargedBytes = charged,
            },
        };
    }

    // Version 1 counts it in a file of its own, which a kernel without kernel accounting lacks.
    private long? ReadKernelBytes()
    {
        _kernel ??= File.Exists(Path.Join(Folder, KernelUsage)) ? KernelFile.Open(Path.Join(Folder, KernelUsage)) : null;
        return _kernel?.Read(stackalloc byte[32]).Number;
    }

    /// <summary>Whether no process is left in it: what is read from now on is what its last one left.</summary>
    internal bool IsEmpty() => Version == 1
        // Opened anew: of an open file the kernel keeps the list for a second.
        ? KernelFile.ReadOnce(PathOf(v1: "cgroup.procs", v2: ""), stackalloc byte[32]).IsEmpty
        : KernelFile.ReadOnce(PathOf(v1: "", v2: "cgroup.events"), stackalloc byte[256]).Field("populated"u8) == 0;

    /// <summary>The limit that really holds: the tightest of this cgroup and its ancestors; null where none is set.</summary>
    public long? ReadLimitBytes() => _hierarchy.ReadLimitBytes();

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _usage.Dispose();
        _stat?.Dispose();
        _kernel?.Dispose();
        _peak?.Dispose();
        _events?.Dispose();
    }

    private string PathOf(string v1, string v2) => Path.Join(Folder, Version == 1 ? v1 : v2);
}
