namespace Loadline.Checkpoints;

/// <summary>What positioned reads ask of the page cache. Both wishes are advice: a filesystem that takes none reads as it always does.</summary>
/// <param name="ReadsAhead">
/// The kernel reads ahead of the readers, in folios of many pages: the disk works while bytes are copied. It takes tens of MiB of page cache that are
/// still being filled, and these cannot be reclaimed: where a cap leaves less room than that, it kills. Without it each reader asks for 1 MiB at a time.
/// </param>
/// <param name="DropsBehind">
/// Pages leave the page cache once they were read. Where the file does not fit into it anyway, that costs less than having them reclaimed; but whoever
/// else reads the file has to get them from the disk again.
/// </param>
/// <param name="ReadsDirect">
/// Whoever has memory that is aligned for it reads past the page cache (O_DIRECT): the disk writes into that memory itself, and nothing has to be
/// reclaimed or dropped. It pays where the file is not in the page cache.
/// </param>
public readonly record struct ReadPolicy(bool ReadsAhead, bool DropsBehind, bool ReadsDirect = false)
{
    /// <summary>
    /// Of what positions, addresses and lengths of direct reads are multiples: the block of nearly every disk, and a page. open(2) names no number, and
    /// a file system that wants more refuses the read.
    /// </summary>
    internal const int DirectAlignment = 4096;

    /// <summary>Rounded up to whole blocks.</summary>
    internal static int WholeBlocks(int bytes) => (bytes + DirectAlignment - 1) / DirectAlignment * DirectAlignment;
}
