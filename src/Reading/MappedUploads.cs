using Loadline.Checkpoints;
using Loadline.Tensors.Engines;

namespace Loadline.Reading;

/// <summary>
/// From a file's mapping onto a GPU: the driver copies out of the page cache itself, through memory that it has anyway. The mapping is read-only, because a
/// driver that finds pages writable may ask for them as if it were to write, and then each becomes a private copy: anonymous memory as large as the model.
/// Pages are let go behind the copies, and where the reads' policy says so they leave the page cache, too.
/// </summary>
internal static class MappedUploads
{
    /// <summary>Fills the targets. What is not in the file as it is to be is read, as onto any accelerator.</summary>
    /// <param name="source">Where the bytes are.</param>
    /// <param name="targets">On a GPU.</param>
    /// <param name="readers">How many threads.</param>
    /// <exception cref="CheckpointException">The file became shorter or cannot be read.</exception>
    public static void Run(WeightSource source, IReadOnlyList<Destination> targets, int readers)
    {
        var mapped = targets.Where(t => t.Layout.IsInFile).ToList();
        readers = WeightReads.UsefulReaders(readers, mapped);
        // Beside copies out of pages that are not pinned, the driver keeps whoever asks for anything else waiting: memory and queues are there before.
        var storages = mapped.Select(t => t.Target).OfType<CudaStorage>().ToList();
        storages.ForEach(storage => storage.TakeNow());
        foreach (var gpu in storages.Select(storage => storage.Gpu).Distinct()) gpu.PrepareFor(readers);
        Readers.Run(readers, Piece.Windows(mapped, ReadSizes.MappedWindowBytes), window =>
        {
            foreach (var piece in window)
            {
                if (source.TryCopyMapped(piece.Layout, piece.Offset, piece.Bytes, bytes => piece.Target.Write(piece.Offset, bytes))) continue;
                WeightReads.Copy(source, piece);
            }
        });
        WeightReads.FromPageCache(source, [.. targets.Where(t => !t.Layout.IsInFile)], readers);
    }
}
