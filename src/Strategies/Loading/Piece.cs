using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Loading;

/// <summary>A part of a storage that goes to its place in one step.</summary>
/// <param name="Layout">The storage as it will be in memory, and where it comes from.</param>
/// <param name="Target">Its memory.</param>
/// <param name="Offset">Where the part begins.</param>
/// <param name="Bytes">How long it is.</param>
internal readonly record struct Piece(WeightStorage Layout, Storage Target, long Offset, int Bytes)
{
    /// <summary>Cuts storages into pieces, in the file's order, so that the disk reads forward.</summary>
    public static IEnumerable<Piece> Cut(IEnumerable<(WeightStorage Layout, Storage Target)> targets, int pieceBytes)
    {
        foreach (var (layout, target) in targets)
        {
            for (long offset = 0; offset < layout.Bytes; offset += pieceBytes)
            {
                yield return new Piece(layout, target, offset, (int)Math.Min(pieceBytes, layout.Bytes - offset));
            }
        }
    }

    /// <summary>
    /// Packs the pieces that slots of a size take, in the same order. What is larger than a slot is cut at whole slots; the rest of it, and what is
    /// smaller, shares one with what follows: a slot has a cost of its own, which a small tensor would pay alone.
    /// </summary>
    public static IEnumerable<List<SlotPiece>> Packed(IEnumerable<(WeightStorage Layout, Storage Target)> targets, int slotBytes)
    {
        var (slot, used) = (new List<SlotPiece>(), 0);
        foreach (var piece in Cut(targets, slotBytes))
        {
            if (used + piece.Bytes > slotBytes)
            {
                yield return slot;
                (slot, used) = ([], 0);
            }

            slot.Add(new SlotPiece(piece, used));
            used += (piece.Bytes + Alignment - 1) / Alignment * Alignment;
        }

        if (slot.Count > 0) yield return slot;
    }

    // A line of the processor's cache, and a multiple of what any dtype or copy wants.
    private const int Alignment = 64;
}
