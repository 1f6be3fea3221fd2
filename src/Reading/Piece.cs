using Loadline.Tensors.Memory;

namespace Loadline.Reading;

/// <summary>A part of a storage that goes to its place in one step.</summary>
/// <param name="Layout">The storage as it will be in memory, and where it comes from.</param>
/// <param name="Target">Its memory.</param>
/// <param name="Offset">Where the part begins.</param>
/// <param name="Bytes">How long it is.</param>
internal readonly record struct Piece(WeightStorage Layout, Storage Target, long Offset, int Bytes)
{
    /// <summary>At multiples of it a storage may be cut: a line of the processor's cache, and a multiple of what any dtype, copy or checksum wants.</summary>
    public const int Alignment = 64;

    /// <summary>
    /// Cuts storages where the file's windows of a size end, in the file's order: the disk reads forward, and a window, with all small storages in it, is
    /// one reader's. Were two to share a folio of the page cache, the one that drops it behind itself would drop what the other is still to read.
    /// </summary>
    public static IEnumerable<List<Piece>> Windows(IReadOnlyList<Destination> targets, int windowBytes)
    {
        var (window, place, bytes) = (new List<Piece>(), default((string File, long Index)), 0L);
        foreach (var piece in Cut(targets, windowBytes))
        {
            var next = (piece.Layout.Source.File, piece.Position / windowBytes);
            if (window.Count > 0 && (next != place || bytes + piece.Bytes > windowBytes))
            {
                yield return window;
                (window, bytes) = ([], 0);
            }

            window.Add(piece);
            (place, bytes) = (next, bytes + piece.Bytes);
        }

        if (window.Count > 0) yield return window;
    }

    /// <summary>Where it begins in the file. What is not in the file as it is in memory is read from elsewhere in it, and cut by what it will be.</summary>
    public long Position => PositionOf(Layout, Offset);

    /// <summary>Its memory, where it goes to the host.</summary>
    public Span<byte> Memory => ((HostStorage)Target).Slice(Offset, Bytes);

    /// <summary>A part of it, from its beginning or from <paramref name="from"/> bytes after that.</summary>
    public Piece Part(int from, int bytes) => this with { Offset = Offset + from, Bytes = bytes };

    /// <summary>Rounded up to where a storage may be cut.</summary>
    public static int Aligned(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static IEnumerable<Piece> Cut(IReadOnlyList<Destination> targets, int windowBytes)
    {
        foreach (var (layout, target) in Destination.InFileOrder(targets))
        {
            int bytes;
            for (long offset = 0; offset < layout.Bytes; offset += bytes)
            {
                // Rounded up, so that it is the earlier reader who goes over the end.
                bytes = (int)Math.Min(Aligned(windowBytes - (int)(PositionOf(layout, offset) % windowBytes)), layout.Bytes - offset);
                yield return new Piece(layout, target, offset, bytes);
            }
        }
    }

    private static long PositionOf(WeightStorage layout, long offset) => offset + (layout.IsAsInFile ? layout.Source.Position + layout.SourceOffset : 0);
}
