namespace Loadline;

/// <summary>
/// How much a load reads at once, in what, and by how many; conversion and moves between devices have sizes of their own. What each brings, measured, stands in the record that
/// docs/how-it-works.md names.
/// </summary>
internal static class ReadSizes
{
    /// <summary>How many threads read, unless somebody says: two at least, so that one reads while the other copies.</summary>
    public static int Readers => Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>The most that are taken: each is a thread, and far fewer keep any disk busy.</summary>
    public const int MostReaders = 1024;

    /// <summary>So many times as many where a disk writes straight into place: two wait for it and two work. Of a cold gpt2-medium 0.89 instead of 1.13 s.</summary>
    public const int DirectReadersPerReader = 2;

    /// <summary>The stack of each. Of it only what is touched is taken. Our own calls need a fraction; a GPU's driver, which runs on it too, says nowhere what it needs.</summary>
    public const int ReaderStackBytes = (int)ByteSize.MiB;

    /// <summary>
    /// One read. The kernel reads as much at once as a call asks for, and pages that a disk is still filling cannot be reclaimed: by then a cap kills instead
    /// of waiting. Small reads bound them to one of these a reader.
    /// </summary>
    public const int ReadBytes = (int)ByteSize.MiB;

    /// <summary>What of a mapping is brought into memory at once: the same holds for it.</summary>
    public const long PopulateBytes = ByteSize.MiB;

    /// <summary>The largest folio of the page cache on most machines. One that is dropped in part stays.</summary>
    public const long FolioBytes = 2 * ByteSize.MiB;

    /// <summary>What of a file is one reader's at a time.</summary>
    public const int WindowBytes = 8 * (int)ByteSize.MiB;

    /// <summary>The same where a GPU's driver copies out of the page cache: large beside what a copy costs by itself, and small beside any cap.</summary>
    public const int MappedWindowBytes = 4 * (int)ByteSize.MiB;

    /// <summary>What a GPU's driver is asked for at once. It takes as long for it as for 1 MiB, and finds it where its memory is in pieces.</summary>
    public const long CudaBlockBytes = ByteSize.GiB;

    /// <summary>A buffer on a reader's stack, between the page cache and an accelerator.</summary>
    public const int StackBufferBytes = 64 * (int)ByteSize.KiB;

    /// <summary>A tensor with gaps is gathered in pieces of it.</summary>
    public const int GatheredBytes = (int)ByteSize.MiB;

    /// <summary>Reading on over what nobody wants costs less than another read, up to about here.</summary>
    public const int LargestGapBytes = 64 * (int)ByteSize.KiB;

    /// <summary>Headers that lie this near to each other are read together.</summary>
    public const int LargestHeaderGapBytes = 16 * (int)ByteSize.KiB;

    /// <summary>The ring, unless somebody says.</summary>
    public const long RingBytes = 64 * ByteSize.MiB;

    /// <summary>The largest that is taken: more than any machine's RAM, and such that sums with it do not overflow.</summary>
    public const long LargestRingBytes = ByteSize.TiB;

    /// <summary>The smallest slot of a ring.</summary>
    public const long SmallestSlotBytes = ByteSize.MiB;

    /// <summary>The largest: as large as what is dropped behind the readers, and small enough to stay in the processor's cache until it is copied.</summary>
    public const long LargestSlotBytes = 2 * ByteSize.MiB;

    /// <summary>The largest where copies come later. A copy by itself costs little beside its bytes, and reading and copying overlap.</summary>
    public const long LargestSlotBytesOfLaterCopies = 4 * ByteSize.MiB;

    /// <summary>So many slots at least, before they grow: one for each of two readers.</summary>
    public const int LeastSlots = 2;

    /// <summary>The same where copies come later: more of them to be filled meanwhile.</summary>
    public const int LeastSlotsOfLaterCopies = 8;

    /// <summary>A piece that gets another dtype. Half of a core's second-level cache on most machines: what was just read is converted before it leaves the cache.</summary>
    public const int ConvertedPieceBytes = 256 * (int)ByteSize.KiB;

    /// <summary>All memory for conversions: one piece for each of as many readers as there usually are. More of them take turns.</summary>
    public const long ConversionBytes = 8 * ConvertedPieceBytes;
}
