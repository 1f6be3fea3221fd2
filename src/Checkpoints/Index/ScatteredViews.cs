using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>
/// What it would take to read views whose elements lie far from each other: each is read by itself, or with all that lies between. One that has no element twice, as a
/// transposed matrix, asks for no more than it has; views that lie over each other, or whose own dimensions do, may ask for the same few elements again and again.
/// </summary>
internal sealed class ScatteredViews
{
    // Of all storages together, in reads: a second's work.
    private const long Free = 1 << 20;

    // One tensor has four names in T5: three embeddings and the head.
    private const long MostTimes = 4;

    // Of fused experts that were saved as views, each transposed, a read brings 73.
    private const long BytesPerRead = 64;

    // What lies between, that takes as long to copy as a read does to be asked for. So experts of 128 MiB open, whatever their number, that lie row by row among each other.
    private const long BytesInVainPerRead = 8 * ByteSize.KiB;

    private readonly Dictionary<StorageEntry, Work> _work = [];

    /// <summary>Refuses a checkpoint whose views take far more work than its storages are good for.</summary>
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
        var (all, mostOfOne, first) = _work.GetValueOrDefault(view.Storage, new Work(0, 0, name));
        var (reads, bytesInVain) = GatheredReads.Count(view.Shape.AsSpan(), view.Strides.AsSpan(), width, Math.Max(pieceBytes, width));
        var work = reads + (bytesInVain / BytesInVainPerRead);
        if (GatheredReads.HasEachOnce(view.Shape.AsSpan(), view.Strides.AsSpan())) mostOfOne = Math.Max(mostOfOne, work);
        _work[view.Storage] = new Work(Math.Min(long.MaxValue / 2, all + work), mostOfOne, first);
    }

    // The first tensor of the storage with which there is too much; null where there is not.
    private string? Excess()
    {
        var left = Free;
        foreach (var (storage, work) in _work)
        {
            var free = (storage.Bytes / BytesPerRead) + (MostTimes * work.MostOfOne);
            left -= Math.Clamp(work.All - free, 0, Free + 1);
            if (left < 0) return work.Name;
        }

        return null;
    }

    /// <summary>Of one storage, in reads.</summary>
    /// <param name="All">Of all its views.</param>
    /// <param name="MostOfOne">Of one that has no element twice.</param>
    /// <param name="Name">The first of them.</param>
    private readonly record struct Work(long All, long MostOfOne, string Name);
}
