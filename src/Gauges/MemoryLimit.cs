namespace Loadline.Gauges;

/// <summary>How much RAM this process can have.</summary>
public static class MemoryLimit
{
    /// <summary>
    /// Bytes that the tightest cgroup limit allows, and never more than the machine's RAM. Where the kernel limits no memory, that RAM.
    /// </summary>
    /// <param name="root">A folder that holds a copy of /proc and /sys; empty for the real ones.</param>
    /// <exception cref="GaugeException">The limit or the RAM cannot be read: a guess would plan for memory that is not there.</exception>
    public static long Effective(string root = "")
    {
        var physical = PhysicalBytes(root);
        return Math.Min(CgroupHierarchy.Find(root)?.ReadLimitBytes() ?? physical, physical);
    }

    /// <summary>
    /// Bytes of that which nobody holds: below each limit on the way up less what is anonymous or shared there, and never more than the machine has
    /// available. Page cache counts as free: the kernel takes it back.
    /// </summary>
    /// <param name="root">A folder that holds a copy of /proc and /sys; empty for the real ones.</param>
    /// <exception cref="GaugeException">A limit or a usage cannot be read.</exception>
    public static long Free(string root = "")
    {
        var available = KernelFile.ReadOnce(Path.Join(root, "/proc/meminfo"), stackalloc byte[KernelFile.MaxBytes]).FieldInBytes("MemAvailable"u8);
        return Math.Max(0, Math.Min(CgroupHierarchy.Find(root)?.ReadFreeBytes() ?? available, available));
    }

    /// <summary>The machine's RAM: MemTotal of /proc/meminfo.</summary>
    /// <exception cref="GaugeException">It cannot be read.</exception>
    public static long PhysicalBytes(string root = "") =>
        KernelFile.ReadOnce(Path.Join(root, "/proc/meminfo"), stackalloc byte[KernelFile.MaxBytes]).FieldInBytes("MemTotal"u8);
}
