using Loadline.Tensors.Engines;

namespace Loadline.Tensors.Limits;

/// <summary>
/// What a worker takes beside the memory that the engine counts. Measured with gpt2-medium and gpt2-xl, float32, on Linux 6.18 with cgroup v1: the
/// readings stand in docs/planning.md, and for libtorch 2.6 in docs/libtorch.md.
/// </summary>
public sealed record WorkerMemory
{
    // One entry of 8 bytes for each page of 4 KiB, where the kernel has no huge pages to give.
    private const int BytesPerByteOfPageTable = 512;

    private static readonly WorkerMemory Native = new(ownBytes: 7 * ByteSize.MiB, floorBytes: 32 * ByteSize.MiB, reservedBytes: 6 * ByteSize.MiB);

    // Of its 250 MiB of code, what runs again and again has to stay in memory.
    private static readonly WorkerMemory Libtorch = new(ownBytes: 65 * ByteSize.MiB, floorBytes: 96 * ByteSize.MiB, reservedBytes: 30 * ByteSize.MiB);

    // Beside libtorch's, the code of .NET and TorchSharp, which no trimming has made smaller.
    private static readonly WorkerMemory TorchSharp = new(ownBytes: 71 * ByteSize.MiB, floorBytes: 112 * ByteSize.MiB, reservedBytes: 34 * ByteSize.MiB);

    private readonly long _reservedBytes;

    private WorkerMemory(long ownBytes, long floorBytes, long reservedBytes) => (OwnBytes, FloorBytes, _reservedBytes) = (ownBytes, floorBytes, reservedBytes);

    /// <summary>The lowest floor of all engines.</summary>
    public static long LeastFloorBytes => Native.FloorBytes;

    /// <summary>Anonymous memory of the worker itself, whatever it loads: the same in every strategy, to a few MiB.</summary>
    public long OwnBytes { get; }

    /// <summary>The lowest cap: below it the worker's runtime does not die but thrashes on its file pages for minutes.</summary>
    public long FloorBytes { get; }

    /// <summary>Of a worker with an engine of <see cref="EngineNames"/>; null is the default one.</summary>
    /// <exception cref="ArgumentException">There is no such engine.</exception>
    public static WorkerMemory Of(string? engine) => engine switch
    {
        EngineNames.Libtorch => Libtorch,
        EngineNames.TorchSharp => TorchSharp,
        EngineNames.Native or null => Native,
        _ => throw EngineNames.Unknown(engine),
    };

    /// <summary>The lowest cap that a peak survives: there must be room for page tables, for the kernel's other memory, for pages that a disk is filling, and for code.</summary>
    /// <param name="hostBytes">The anonymous peak, gross.</param>
    public long CapFor(long hostBytes) => Math.Max(FloorBytes, checked(hostBytes + _reservedBytes + hostBytes / BytesPerByteOfPageTable));

    /// <summary>The most weights that a worker can hold under a cap: the inverse of <see cref="CapFor"/>, to the byte; 0 where the cap is below the floor.</summary>
    /// <param name="capBytes">The cap.</param>
    public long RoomUnder(long capBytes)
    {
        if (capBytes < FloorBytes) return 0;
        // hostBytes + hostBytes / 512, rounded down, is at most what is left: every 513 bytes hold 512, and what is left over holds itself.
        var (pages, rest) = Math.DivRem(capBytes - _reservedBytes, BytesPerByteOfPageTable + 1);
        return pages * BytesPerByteOfPageTable + Math.Min(rest, BytesPerByteOfPageTable - 1) - OwnBytes;
    }
}
