using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>A piece of a storage in a slot.</summary>
/// <param name="Piece">Which.</param>
/// <param name="Position">Where it begins in the slot.</param>
internal readonly record struct SlotPiece(Piece Piece, int Position)
{
    /// <summary>Fills slots with a window's pieces, one after the other: a slot has a cost of its own, which a small tensor would pay alone.</summary>
    public static List<List<SlotPiece>> Packed(IReadOnlyList<Piece> window, int slotBytes)
    {
        var slots = new List<List<SlotPiece>>();
        var used = slotBytes;
        foreach (var piece in window)
        {
            int bytes;
            for (var done = 0; done < piece.Bytes; done += bytes)
            {
                if (used == slotBytes)
                {
                    slots.Add([]);
                    used = 0;
                }

                bytes = Math.Min(piece.Bytes - done, slotBytes - used);
                slots[^1].Add(new SlotPiece(piece.Part(done, bytes), used));
                used = Math.Min(used + Piece.Aligned(bytes), slotBytes);
            }
        }

        return slots;
    }

    /// <summary>
    /// Fills slots with stretches of the file, each from a whole block on and with whatever lies between the pieces, as direct reads want it. What does
    /// not lie in the file as it will be in memory comes after them, packed.
    /// </summary>
    public static List<List<SlotPiece>> Stretches(IReadOnlyList<Piece> window, int slotBytes)
    {
        var slots = new List<List<SlotPiece>>();
        var (start, end) = (0L, long.MinValue);
        foreach (var piece in window.Where(p => p.Layout.IsInFile))
        {
            int bytes;
            for (var done = 0; done < piece.Bytes; done += bytes)
            {
                var position = piece.Position + done;
                bytes = Fitting(position, piece.Bytes - done);
                if (position < start || position > end + ReadSizes.LargestGapBytes || bytes <= 0)
                {
                    slots.Add([]);
                    start = end = position / ReadPolicy.DirectAlignment * ReadPolicy.DirectAlignment;
                    bytes = Fitting(position, piece.Bytes - done);
                }

                slots[^1].Add(new SlotPiece(piece.Part(done, bytes), (int)(position - start)));
                end = Math.Max(end, position + bytes);
            }
        }

        slots.AddRange(Packed([.. window.Where(p => !p.Layout.IsInFile)], slotBytes));
        return slots;

        // All that is left, or as much as the slot has room for and a storage may be cut at.
        int Fitting(long position, int left)
        {
            var room = Math.Max(0, start + slotBytes - position);
            return room >= left ? left : (int)(room / Piece.Alignment * Piece.Alignment);
        }
    }
}
