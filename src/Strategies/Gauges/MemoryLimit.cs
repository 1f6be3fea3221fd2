namespace Loadline.Strategies.Gauges;

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

    /// <summary>The machine's RAM: MemTotal of /proc/meminfo.</summary>
    /// <exception cref="GaugeException">It cannot be read.</exception>
    public static long PhysicalBytes(string root = "") =>
        KernelFile.ReadOnce(Path.Join(root, "/proc/meminfo"), stackalloc byte[KernelFile.MaxBytes]).FieldInBytes("MemTotal"u8);
}
