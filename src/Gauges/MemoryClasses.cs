using System.Text.Json.Serialization;

namespace Loadline.Gauges;

/// <summary>
/// What a cgroup is charged with, by class, descendants included: the kernel's own counters at one moment. What this kernel does not count is null, never
/// zero.
/// </summary>
/// <remarks>
/// Sources: the sections on memory.stat in Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst of the Linux kernel. <see cref="KernelBytes"/> is
/// memory.kmem.usage_in_bytes in version 1 and memory.stat's <c>kernel</c> in version 2 (Linux 5.18 and later).
/// </remarks>
public readonly record struct MemoryClasses
{
    /// <summary>Heap, stacks, private pages that were written. Without swap it cannot be reclaimed.</summary>
    public long AnonymousBytes { get; init; }

    /// <summary>Pages of files, mapped or not, without shared memory. The kernel drops them when it needs room, but for those that are dirty or locked.</summary>
    public long PageCacheBytes { get; init; }

    /// <summary>What of the page cache and of shared memory page tables point to.</summary>
    public long? MappedFileBytes { get; init; }

    /// <summary>Shared memory and tmpfs. Without swap it cannot be reclaimed.</summary>
    public long ShmemBytes { get; init; }

    /// <summary>The kernel's own on behalf of these processes: page tables, stacks, pipes, sockets, directory entries.</summary>
    public long? KernelBytes { get; init; }

    /// <summary>What of the page cache is newer than the disk, or on its way there: it cannot be dropped before.</summary>
    public long? DirtyBytes { get; init; }

    /// <summary>What of the page cache lies on no list that the kernel reclaims from, as after mlock.</summary>
    public long? LockedBytes { get; init; }

    /// <summary>The charge, which a cap is held against.</summary>
    public long ChargedBytes { get; init; }

    /// <summary>The class that holds most of what the kernel could not take back.</summary>
    [JsonIgnore]
    public MemoryClass Foremost
    {
        get
        {
            var (dirty, locked) = (DirtyBytes ?? 0, LockedBytes ?? 0);
            (MemoryClass Class, long Bytes)[] classes =
            [
                (MemoryClass.Anonymous, AnonymousBytes),
                (MemoryClass.Shmem, ShmemBytes),
                (MemoryClass.Kernel, KernelBytes ?? 0),
                (MemoryClass.Locked, locked),
                (MemoryClass.Dirty, dirty),
                (MemoryClass.PageCache, Math.Max(0, PageCacheBytes - dirty - locked)),
            ];
            return classes.MaxBy(c => c.Bytes).Class;
        }
    }

    /// <summary>The higher of each class.</summary>
    public MemoryClasses Highest(MemoryClasses other) => Combine(other, Math.Max);

    /// <summary>How much more each class holds than in another reading; negative where it holds less.</summary>
    public MemoryClasses Since(MemoryClasses other) => Combine(other, (now, then) => now - then);

    private MemoryClasses Combine(MemoryClasses other, Func<long, long, long> combine)
    {
        return new MemoryClasses
        {
            AnonymousBytes = combine(AnonymousBytes, other.AnonymousBytes),
            PageCacheBytes = combine(PageCacheBytes, other.PageCacheBytes),
            MappedFileBytes = OrNull(MappedFileBytes, other.MappedFileBytes),
            ShmemBytes = combine(ShmemBytes, other.ShmemBytes),
            KernelBytes = OrNull(KernelBytes, other.KernelBytes),
            DirtyBytes = OrNull(DirtyBytes, other.DirtyBytes),
            LockedBytes = OrNull(LockedBytes, other.LockedBytes),
            ChargedBytes = combine(ChargedBytes, other.ChargedBytes),
        };

        long? OrNull(long? one, long? two) => one is { } a && two is { } b ? combine(a, b) : null;
    }
}

/// <summary>A class of memory that a cap can be met by.</summary>
public enum MemoryClass
{
    /// <summary>Anonymous memory.</summary>
    Anonymous,

    /// <summary>Shared memory and tmpfs.</summary>
    Shmem,

    /// <summary>The kernel's own.</summary>
    Kernel,

    /// <summary>Page cache that is locked into memory.</summary>
    Locked,

    /// <summary>Page cache that the disk does not have yet.</summary>
    Dirty,

    /// <summary>Page cache that was neither: the disk was still filling it, or it was read faster than it could be dropped.</summary>
    PageCache,
}
