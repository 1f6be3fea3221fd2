namespace Loadline.Strategies.Gauges;

/// <summary>The memory limits along a cgroup's way up.</summary>
internal static class CgroupLimit
{
    // Version 1 shows "none" as the largest page-aligned number of 63 bits; pages have up to 64 KiB.
    private const long SmallestNone = long.MaxValue & ~0xFFFFL;

    /// <summary>The tightest limit of the cgroup and its ancestors; null where none is set.</summary>
    /// <exception cref="GaugeException">A limit cannot be read.</exception>
    public static long? ReadLimitBytes(this CgroupHierarchy hierarchy)
    {
        var file = hierarchy.Version == 1 ? "memory.limit_in_bytes" : "memory.max";
        var limits = hierarchy.Folders.Select(folder => ReadLimit(folder, file, isTop: folder == hierarchy.Folders[^1]));
        if (hierarchy.Version == 1) limits = limits.Append(ReadInherited(hierarchy.Folder));
        return limits.Min();
    }

    private static long? ReadLimit(string folder, string file, bool isTop)
    {
        var path = Path.Join(folder, file);
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
