using Loadline.Checkpoints;

namespace Loadline.Strategies.Planning;

/// <summary>
/// What a worker takes beside the memory that the engine counts. Measured with gpt2-medium and gpt2-xl, float32, on Linux 6.18 with cgroup v1: the
/// readings stand in docs/planning.md.
/// </summary>
public static class WorkerMemory
{
    /// <summary>Anonymous memory of the worker itself, whatever it loads: 6 to 8 MiB in every strategy.</summary>
    public const long OwnBytes = 7 * ByteSize.MiB;

    /// <summary>The lowest cap: below it the worker's runtime does not die but thrashes on its file pages for minutes.</summary>
    public const long FloorBytes = 32 * ByteSize.MiB;

    private const long ReservedBytes = 6 * ByteSize.MiB;

    // One entry of 8 bytes for each page of 4 KiB, where the kernel has no huge pages to give.
    private const int BytesPerByteOfPageTable = 512;

    /// <summary>The lowest cap that a peak survives: there must be room for page tables, for the kernel's other memory, and for pages that a disk is filling.</summary>
    /// <param name="hostBytes">The anonymous peak, gross.</param>
    public static long CapFor(long hostBytes) => Math.Max(FloorBytes, checked(hostBytes + ReservedBytes + hostBytes / BytesPerByteOfPageTable));

    /// <summary>The most weights that a worker can hold under a cap: the inverse of <see cref="CapFor"/>, to the byte; 0 where the cap is below the floor.</summary>
    /// <param name="capBytes">The cap.</param>
    public static long RoomUnder(long capBytes)
    {
        if (capBytes < FloorBytes) return 0;
        // hostBytes + hostBytes / 512, rounded down, is at most what is left: every 513 bytes hold 512, and what is left over holds itself.
        var (pages, rest) = Math.DivRem(capBytes - ReservedBytes, BytesPerByteOfPageTable + 1);
        return pages * BytesPerByteOfPageTable + Math.Min(rest, BytesPerByteOfPageTable - 1) - OwnBytes;
    }
}
