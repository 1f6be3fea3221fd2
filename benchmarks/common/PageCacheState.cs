using Loadline.Gauges;

namespace Loadline.Benchmarks;

/// <summary>Brings a checkpoint into or out of the page cache before a run.</summary>
internal static class PageCacheState
{
    /// <summary>Whether all of it is cached.</summary>
    public static bool IsWarm(string path) => PageCache.Residency(path) is var there && there.ResidentBytes == there.FileBytes;

    /// <summary>Reads what is not cached yet.</summary>
    public static void Warm(string path)
    {
        if (IsWarm(path)) return;
        using var file = File.OpenRead(path);
        file.CopyTo(Stream.Null, 8 << 20);
    }

    /// <summary>Drops every page of every file that is not being written. Root may.</summary>
    /// <exception cref="UnauthorizedAccessException">Somebody else asked.</exception>
    public static void DropAll() => File.WriteAllText("/proc/sys/vm/drop_caches", "3");

    /// <summary>
    /// Drops all pages, and says so where some stay: a run that calls itself cold has to be. Pages of a program that has just ended may be in the kernel's
    /// hands for a moment, and are asked for again.
    /// </summary>
    /// <exception cref="InvalidOperationException">Pages of it stay in the page cache.</exception>
    public static void Cool(string path)
    {
        for (var tries = 1; tries < 5 && !PageCache.Evict(path).IsCold; tries++) Thread.Sleep(200);
        if (!PageCache.Evict(path).IsCold) throw new InvalidOperationException($"{path}: pages of it stay in the page cache; who else uses it?");
    }
}
