using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>
/// How often views would have to be read where their elements lie so far from each other that each is read by itself. One that has no element twice, as a transposed matrix,
/// asks for no more than it has; views that lie over each other, or whose own dimensions do, may ask for the same few elements again and again.
/// </summary>
internal sealed class ScatteredViews
{
    // Of all storages together: a second's work.
    private const long FreeReads = 1 << 20;

    // One tensor has four names in T5: three embeddings and the head.
    private const long MostTimes = 4;

    // Of fused experts that were saved as views, each transposed, a read brings 73.
    private const long BytesPerRead = 64;

    private readonly Dictionary<StorageEntry, Reads> _reads = [];

    /// <summary>Refuses a checkpoint whose views take far more reads than its storages are good for.</summary>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="entries">Its tensors, each with fewer than 2^60 elements.</param>
    /// <exception cref="CheckpointException">They do.</exception>
    public static void RequireFew(string path, IReadOnlyList<TensorEntry> entries)
    {
        ScatteredViews? views = null;
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (!entry.IsContiguous) (views ??= new ScatteredViews()).Count(entry, ReadSizes.GatheredBytes, entry.Name);
            if (entry.Storage.Assembled is not { } assembled) continue;
            foreach (var (_, part) in assembled.Parts)
            {
                // Of each piece of the whole it has a part as small as it is of that.
                if (!part.IsContiguous) (views ??= new ScatteredViews()).Count(part, (int)((Int128)ReadSizes.ConvertedPieceBytes * part.ByteCount / entry.ByteCount), entry.Name);
            }
        }

        if (views?.Excess() is not { } name) return;
        throw new CheckpointException(
            CheckpointError.Unsupported, path, "is a view whose elements lie over each other, or over another's, too far apart to be read together: save a copy of it, as tensor.contiguous() makes one", name);
    }

    private void Count(TensorEntry view, int pieceBytes, string name)
    {
        var width = view.DType.BytesPerElement;
        var (all, mostOfOne, first) = _reads.GetValueOrDefault(view.Storage, new Reads(0, 0, name));
        var reads = GatheredReads.Count(view.Shape.AsSpan(), view.Strides.AsSpan(), width, Math.Max(pieceBytes, width));
        if (GatheredReads.HasEachOnce(view.Shape.AsSpan(), view.Strides.AsSpan())) mostOfOne = Math.Max(mostOfOne, reads);
        _reads[view.Storage] = new Reads(Math.Min(long.MaxValue / 2, all + reads), mostOfOne, first);
    }

    // The first tensor of the storage with which there are too many; null where there are not.
    private string? Excess()
    {
        var left = FreeReads;
        foreach (var (storage, reads) in _reads)
        {
            var free = (storage.Bytes / BytesPerRead) + (MostTimes * reads.MostOfOne);
            left -= Math.Clamp(reads.All - free, 0, FreeReads + 1);
            if (left < 0) return reads.Name;
        }

        return null;
    }

    /// <summary>Of one storage.</summary>
    /// <param name="All">Of all its views.</param>
    /// <param name="MostOfOne">Of one that has no element twice.</param>
    /// <param name="Name">The first of them.</param>
    private readonly record struct Reads(long All, long MostOfOne, string Name);
}
