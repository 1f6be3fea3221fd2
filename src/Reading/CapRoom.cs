using Loadline.Checkpoints;
using Loadline.Gauges;

namespace Loadline.Reading;

/// <summary>Reads as fast as the room beside the load's own memory allows.</summary>
/// <param name="freeBytes">What the cap leaves before the load holds anything; null where nobody knows.</param>
internal sealed class CapRoom(long? freeBytes)
{
    /// <summary>
    /// From here on the kernel may read ahead. Measured on a disk whose read-ahead of 8 MiB the advice doubles: with 34 MiB of room reading ahead is twice
    /// as fast as reads of 1 MiB, with 26 MiB as fast, with 10 MiB half as fast, and a load that dropped nothing behind itself was killed.
    /// </summary>
    public const long ReadAheadBytes = 32 * ByteSize.MiB;

    // With just the room for them, a page too many of anything else makes the kernel drop some: pages that go first would be read again at each use.
    private const int RoomyPart = 8;

    // Asked for each file that is mapped, and the same for the whole life of a machine.
    private static readonly Lazy<bool> IsLent = new(() => LentMemory.IsLent());

    /// <summary>What there is now. Ask before anything is allocated.</summary>
    public static CapRoom Here()
    {
        try
        {
            return new CapRoom(MemoryLimit.Free());
        }
        catch (GaugeException)
        {
            // With care a load is slower, and never killed for it.
            return new CapRoom(null);
        }
    }

    /// <summary>How the pages of mapped weights are to come in.</summary>
    /// <param name="hostBytes">What the load holds beside them at its peak.</param>
    /// <param name="mappedBytes">Of how many bytes.</param>
    public MappingAdvice AdviceFor(long hostBytes, long mappedBytes) => AdviceFor(hostBytes, mappedBytes, static () => IsLent.Value);

    /// <summary>The same of a machine that lends its free memory to its host, or does not.</summary>
    /// <remarks>
    /// Measured on gpt2-medium, read once by two threads. Where its pages cannot all stay, under an eighth and a quarter of it: 0.8 to 0.95 s with huge pages,
    /// 0.85 to 1.3 without. Where they can and memory is at hand: 0.84 to 0.94 s as the kernel does it, 0.96 to 1.06 ahead of the touch. Where it is lent, and
    /// each page of a large folio has to be fetched from the host: 1.0 s ahead of the touch, 1.6 to 2.7 as the kernel does it, 2.4 to 2.8 in huge pages.
    /// </remarks>
    internal MappingAdvice AdviceFor(long hostBytes, long mappedBytes, Func<bool> isLent) =>
        !(freeBytes - hostBytes >= mappedBytes + mappedBytes / RoomyPart) ? MappingAdvice.HugePages : isLent() ? MappingAdvice.Sequential : MappingAdvice.None;

    /// <summary>How to read a checkpoint's weights beside what the load holds at its peak.</summary>
    public ReadPolicy PolicyFor(Checkpoint checkpoint, long hostBytes, ReadMode mode)
    {
        var policy = PolicyFor(hostBytes, checkpoint.StorageBytes, () => IsOnDisk(checkpoint));
        return mode == ReadMode.Auto ? policy : policy with { ReadsDirect = mode == ReadMode.Direct };
    }

    /// <summary>The same from known figures.</summary>
    /// <param name="hostBytes">What the load holds at its peak.</param>
    /// <param name="weightBytes">What is read.</param>
    /// <param name="isOnDisk">Whether hardly any of it is cached: pages that are there already may be somebody else's, and are left to them.</param>
    public ReadPolicy PolicyFor(long hostBytes, long weightBytes, Func<bool> isOnDisk)
    {
        var roomBytes = freeBytes - hostBytes ?? 0;
        var readsAhead = roomBytes >= ReadAheadBytes;
        var isCold = isOnDisk();
        // What will not stay in the page cache need not go there.
        return new(readsAhead, DropsBehind: readsAhead && isCold && roomBytes < weightBytes, ReadsDirect: isCold);
    }

    // Opening read the headers, and the kernel more than that.
    private static bool IsOnDisk(Checkpoint checkpoint)
    {
        try
        {
            var pages = checkpoint.Files.Select(PageCache.SampledResidency).ToList();
            return pages.Sum(p => p.ResidentBytes ?? p.FileBytes) <= pages.Sum(p => p.FileBytes) / 8;
        }
        catch (GaugeException)
        {
            return false;
        }
    }
}
