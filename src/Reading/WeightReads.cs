using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>The three ways in which bytes get from a checkpoint into storages, each in pieces by several readers.</summary>
internal static class WeightReads
{
    /// <summary>Positioned reads straight into host memory, past the page cache where the source does that.</summary>
    public static void IntoPlace(WeightSource source, IReadOnlyList<Destination> targets, int readers)
    {
        // Who waits for a disk needs no core: another one shifts or clears memory meanwhile.
        if (source.ReadsDirect && readers > 1) readers *= ReadSizes.DirectReadersPerReader;
        Action<List<Piece>> fill = source.ReadsDirect ? window => FillDirect(source, window) : window => Fill(source, window);
        Readers.Run(UsefulReaders(readers, targets), Piece.Windows(targets, ReadSizes.WindowBytes), fill);
    }

    /// <summary>Positioned reads into the slots of a ring, and from there onto the device.</summary>
    public static void ThroughRing(WeightSource source, IReadOnlyList<Destination> targets, Ring ring, SlotUploads uploads, int readers)
    {
        // A small ring is chosen where there is little room for the page cache either: readers stay closer together, and so does what is read ahead of them.
        var windowSlots = Math.Clamp(ring.Slots / 8, 1, ReadSizes.WindowBytes / ring.SlotBytes);
        var isDirect = source.CanReadDirect(ring.Slot(0, ReadPolicy.DirectAlignment));
        // Stretches begin and end with whole blocks: up to one for each slot comes with two of them.
        var sharedBytes = isDirect ? (windowSlots + 1) * ReadPolicy.DirectAlignment : 0;
        Readers.Run(Math.Min(readers, ring.Slots), Piece.Windows(targets, (windowSlots * ring.SlotBytes) - sharedBytes), window =>
        {
            foreach (var pieces in isDirect ? SlotPiece.Stretches(window, ring.SlotBytes) : SlotPiece.Packed(window, ring.SlotBytes))
            {
                ThroughSlot(source, pieces, isDirect, ring, uploads);
            }
        });
        uploads.Finish();
    }

    /// <summary>
    /// From the page cache onto the device, with no more host memory than each reader's stack, and 2 MiB for views with gaps and tensors in parts. Copied by positioned
    /// reads, although the file could be mapped: they are as fast, and a file that is cut meanwhile makes them fail where a mapping would raise SIGBUS.
    /// </summary>
    public static void FromPageCache(WeightSource source, IReadOnlyList<Destination> targets, int readers) =>
        Readers.Run(UsefulReaders(readers, targets), Piece.Windows(targets, ReadSizes.WindowBytes), window =>
        {
            foreach (var piece in window) Copy(source, piece);
        });

    /// <summary>How many readers a load is worth: a thread costs more than a small tensor's read.</summary>
    public static int UsefulReaders(int readers, IReadOnlyList<Destination> targets)
    {
        var bytes = 0L;
        foreach (var (layout, _) in targets) bytes += layout.Bytes;
        return (int)Math.Clamp(bytes / ReadSizes.WindowBytes, 1, readers);
    }

    private static void Fill(WeightSource source, IEnumerable<Piece> pieces)
    {
        foreach (var piece in pieces) source.Read(piece.Layout, piece.Offset, piece.Memory);
    }

    private static void FillDirect(WeightSource source, List<Piece> window)
    {
        var inFile = window.FindAll(piece => piece.Layout.IsInFile);
        var end = 0L;
        // Not the last one's: one may lie in another.
        foreach (var piece in inFile) end = Math.Max(end, piece.Position + piece.Bytes);
        var reads = new DirectPieces(source, stackalloc byte[DirectPieces.BufferBytes]);
        foreach (var piece in inFile)
        {
            if (!reads.TryRead(piece, end)) Fill(source, [piece]);
        }

        Fill(source, window.Where(piece => !piece.Layout.IsInFile));
    }

    // A slot's pieces lie in it as they do in the file, from a whole block on.
    private static bool TryFillDirect(WeightSource source, List<SlotPiece> pieces, Span<byte> slot)
    {
        var (first, position) = pieces[0];
        if (!first.Layout.IsInFile) return false;
        var end = 0;
        foreach (var (piece, start) in pieces) end = Math.Max(end, start + piece.Bytes);
        return source.TryReadDirect(first.Layout, first.Position - position, slot[..ReadPolicy.WholeBlocks(end)], end);
    }

    private static void ThroughSlot(WeightSource source, List<SlotPiece> pieces, bool isDirect, Ring ring, SlotUploads uploads)
    {
        var slot = ring.Take();
        try
        {
            uploads.Ready(slot);
            var bytes = ring.Slot(slot, ring.SlotBytes);
            if (!isDirect || !TryFillDirect(source, pieces, bytes))
            {
                foreach (var (piece, position) in pieces) source.Read(piece.Layout, piece.Offset, bytes.Slice(position, piece.Bytes));
            }

            uploads.Start(slot, pieces);
        }
        finally
        {
            ring.Return(slot);
        }
    }

    /// <summary>One piece from the page cache onto its device.</summary>
    public static void Copy(WeightSource source, Piece piece)
    {
        // Views with gaps want more at once: the more of their rows, the longer the runs that are read. So do tensors in parts, of which each may have a little of any piece.
        var isInOneRun = piece.Layout.Gathered is null && piece.Layout.Source.Assembled is null;
        var buffer = isInOneRun ? stackalloc byte[ReadSizes.StackBufferBytes] : new byte[Math.Min(piece.Bytes, ReadSizes.GatheredBytes)];
        for (var done = 0; done < piece.Bytes; done += buffer.Length)
        {
            var part = buffer[..Math.Min(buffer.Length, piece.Bytes - done)];
            source.Read(piece.Layout, piece.Offset + done, part);
            piece.Target.Write(piece.Offset + done, part);
        }
    }
}
