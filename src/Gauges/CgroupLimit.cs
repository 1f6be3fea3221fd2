namespace Loadline.Gauges;

/// <summary>The memory limits along a cgroup's way up.</summary>
internal static class CgroupLimit
{
    // Version 1 shows "none" as the largest page-aligned number of 63 bits; pages have up to 64 KiB.
    private const long SmallestNone = long.MaxValue & ~0xFFFFL;

    /// <summary>The tightest limit of the cgroup and its ancestors; null where none is set.</summary>
    /// <exception cref="GaugeException">A limit cannot be read.</exception>
    public static long? ReadLimitBytes(this CgroupHierarchy hierarchy) => hierarchy.ReadLimits().Min(limit => limit.Bytes);

    /// <summary>The least that one of those limits leaves, each less the anonymous and shared memory below it; null where none is set.</summary>
    /// <exception cref="GaugeException">A limit or a usage cannot be read.</exception>
    public static long? ReadFreeBytes(this CgroupHierarchy hierarchy) => hierarchy.ReadLimits().Min(limit => limit.Bytes - HeldBytes(hierarchy, limit));

    private static IEnumerable<(string Folder, long? Bytes)> ReadLimits(this CgroupHierarchy hierarchy)
    {
        foreach (var folder in hierarchy.Folders) yield return (folder, ReadLimit(hierarchy, folder));
        if (hierarchy.Version == 1) yield return (hierarchy.Folder, ReadInherited(hierarchy.Folder));
    }

    private static long HeldBytes(CgroupHierarchy hierarchy, (string Folder, long? Bytes) limit)
    {
        if (limit.Bytes is null) return 0;
        using var cgroup = CgroupMemory.OpenAt(hierarchy.Version, limit.Folder);
        var held = cgroup.ReadComposition();
        return held.AnonBytes + held.ShmemBytes;
    }

    private static long? ReadLimit(CgroupHierarchy hierarchy, string folder)
    {
        var isTop = folder == hierarchy.Folders[^1];
        var path = Path.Join(folder, hierarchy.Version == 1 ? "memory.limit_in_bytes" : "memory.max");
        // The root cgroup of version 2 has no limit, and no file for one.
        if (isTop && !File.Exists(path)) return null;
        return KernelFile.ReadOnce(path, stackalloc byte[32]).NumberOrMax is { } bytes and < SmallestNone ? bytes : null;
    }

    // Version 1 only: the kernel's own minimum, which counts ancestors that this mount does not show.
    private static long? ReadInherited(string folder)
    {
        var stat = KernelFile.ReadOnce(Path.Join(folder, "memory.stat"), stackalloc byte[KernelFile.MaxBytes]);
        return stat.Field("hierarchical_memory_limit"u8) is var bytes and < SmallestNone ? bytes : null;
    }
}
