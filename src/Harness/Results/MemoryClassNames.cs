using Loadline.Gauges;

namespace Loadline.Harness.Results;

/// <summary>Classes of memory by the names that files and tables have, and in the words of a sentence.</summary>
internal static class MemoryClassNames
{
    /// <summary>As in <c>page-cache</c>.</summary>
    public static string Name(this MemoryClass kind) => kind switch
    {
        MemoryClass.Anonymous => "anonymous",
        MemoryClass.Shmem => "shmem",
        MemoryClass.Kernel => "kernel",
        MemoryClass.Locked => "locked",
        MemoryClass.Dirty => "dirty",
        _ => "page-cache",
    };

    /// <summary>What met the cap, as a clause: "what met the cap was shared memory, 60 MiB, which nothing can drop without swap".</summary>
    public static string Met(this MemoryClasses last)
    {
        var (what, bytes, why) = last.Foremost switch
        {
            MemoryClass.Anonymous => ("anonymous memory", last.AnonymousBytes, ""),
            MemoryClass.Shmem => ("shared memory (tmpfs, /dev/shm, pinned)", last.ShmemBytes, ", which cannot be dropped without swap"),
            MemoryClass.Kernel => ("the kernel's own memory (page tables, pipes, sockets)", last.KernelBytes ?? 0, ", which only its processes' end gives back"),
            MemoryClass.Locked => ("page cache that is locked (mlock)", last.LockedBytes ?? 0, ", which cannot be dropped"),
            MemoryClass.Dirty => ("page cache that the disk does not have yet", last.DirtyBytes ?? 0, ", which cannot be dropped before it is written"),
            _ => ("page cache", last.PageCacheBytes, ", which the disk was still filling: it could not be dropped in time"),
        };
        return $"what met the cap was {what}, {ByteSize.Format(bytes)}{why}";
    }
}
