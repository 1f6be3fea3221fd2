using Loadline.Checkpoints;
using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Loading;

/// <summary>The three ways in which bytes get from a checkpoint into storages, each in pieces by several readers.</summary>
internal static class WeightReads
{
    private const int PieceBytes = 8 * (int)ByteSize.MiB;
    private const int StackBytes = 64 * (int)ByteSize.KiB;
    private const int GatheredBytes = (int)ByteSize.MiB;

    /// <summary>Positioned reads straight into host memory.</summary>
    public static void IntoPlace(WeightSource source, IReadOnlyList<(WeightStorage Layout, Storage Target)> targets, int readers) =>
        Readers.Run(UsefulReaders(readers, targets), Pieces(targets, PieceBytes), piece =>
            source.Read(piece.Layout, piece.Offset, ((HostStorage)piece.Target).Slice(piece.Offset, piece.Bytes)));

    /// <summary>Positioned reads into the slots of a ring, and from there onto the device.</summary>
    public static void ThroughRing(WeightSource source, IReadOnlyList<(WeightStorage Layout, Storage Target)> targets, Ring ring, int readers) =>
        Readers.Run(Math.Min(readers, ring.Slots), Pieces(targets, ring.SlotBytes), piece =>
        {
            var slot = ring.Take();
            try
            {
                var bytes = ring.Slot(slot, piece.Bytes);
                source.Read(piece.Layout, piece.Offset, bytes);
                piece.Target.Write(piece.Offset, bytes);
            }
            finally
            {
                ring.Return(slot);
            }
        });

    /// <summary>
    /// From the page cache onto the device, with no more host memory than each reader's stack, and 2 MiB for views with gaps. Copied by positioned
    /// reads, although the file could be mapped: they are as fast, and a file that is cut meanwhile makes them fail where a mapping would raise SIGBUS.
    /// </summary>
    public static void FromPageCache(WeightSource source, IReadOnlyList<(WeightStorage Layout, Storage Target)> targets, int readers) =>
        Readers.Run(UsefulReaders(readers, targets), Pieces(targets, PieceBytes), piece => Copy(source, piece));

    // A thread costs more than a small tensor's read.
    private static int UsefulReaders(int readers, IReadOnlyList<(WeightStorage Layout, Storage Target)> targets) =>
        (int)Math.Clamp(targets.Sum(t => t.Layout.Bytes) / PieceBytes, 1, readers);

    private static void Copy(WeightSource source, Piece piece)
    {
        // Views with gaps want more at once: the more of their rows, the longer the runs that are read.
        var buffer = piece.Layout.Gathered is null ? stackalloc byte[StackBytes] : new byte[GatheredBytes];
        for (var done = 0; done < piece.Bytes; done += buffer.Length)
        {
            var part = buffer[..Math.Min(buffer.Length, piece.Bytes - done)];
            source.Read(piece.Layout, piece.Offset + done, part);
            piece.Target.Write(piece.Offset + done, part);
        }
    }

    // In the file's order, so that the disk reads forward.
    private static IEnumerable<Piece> Pieces(IEnumerable<(WeightStorage Layout, Storage Target)> targets, int pieceBytes)
    {
        foreach (var (layout, target) in targets)
        {
            for (long offset = 0; offset < layout.Bytes; offset += pieceBytes)
            {
                yield return new Piece(layout, target, offset, (int)Math.Min(pieceBytes, layout.Bytes - offset));
            }
        }
    }

    private readonly record struct Piece(WeightStorage Layout, Storage Target, long Offset, int Bytes);
}
