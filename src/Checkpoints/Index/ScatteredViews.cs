using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>
/// What it would take to read views whose elements lie far from each other: each is read by itself, or with all that lies between, and again for each piece that is laid out.
/// A storage is good for what a transposed matrix of its size asks for; views that lie over each other, or whose own dimensions do, may ask for far more.
/// </summary>
internal sealed class ScatteredViews
{
    // Of all storages together, in reads: a third of a second's work.
    private const long Free = 1 << 19;

    // Of fused experts that were saved as views, each transposed, a read brings 73.
    private const long BytesPerRead = 64;

    // What lies between, that takes as long to copy as a read does to be asked for.
    private const long BytesInVainPerRead = 8 * ByteSize.KiB;

    // A part that repeats its elements, or stands for several boxes, is read for each stretch of the whole that it fills, through all that puts these together.
    private const int ReadsOfRepeated = 8;

    // A transposed matrix is laid out in pieces of 1 MiB, for each of which a page of each of its rows is read; two names may be tied.
    private const long TimesTransposed = 2;

    private readonly Dictionary<StorageEntry, Work> _work = [];
    private readonly HashSet<StorageEntry> _parts = [];
    private long _repeatedReads;
    private string? _repeated;

    // Tied names are laid out once; what a converter makes of each is as much as it declares. A part is read for each tensor that it is in.
    private readonly HashSet<ViewIdentity> _seen = [];

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
            if (!entry.IsContiguous && (views ??= new ScatteredViews())._seen.Add(ViewIdentity.Of(entry))) views.Count(entry, ReadSizes.GatheredBytes, entry.Name);
            if (entry.Storage.Assembled is not { } assembled) continue;
            foreach (var (_, part, spanBytes) in assembled.Parts)
            {
                if (!part.IsContiguous) (views ??= new ScatteredViews()).CountPart(part, spanBytes, entry.Name);
            }
        }

        if (views?.Excess() is not { } name) return;
        throw new CheckpointException(
            CheckpointError.Unsupported, path, "is a view whose elements lie too far apart to be read together, so that what is laid out of its storage would be read again and again: save copies of the views of its storage, as tensor.contiguous() makes them", name);
    }

    private void CountPart(TensorEntry part, long spanBytes, string name)
    {
        // Of each piece of the whole it has a part as small as it is of what it reaches over.
        var pieceBytes = (int)((Int128)ReadSizes.GatheredBytes * part.ByteCount / spanBytes);
        var isFirst = _parts.Add(part.Storage);
        if (isFirst && Shapes.Reach(part.Shape.AsSpan(), part.Strides.AsSpan()) >= part.ElementCount)
        {
            Count(part, pieceBytes, name);
            return;
        }

        // What it is of buys nothing: it may be a hole.
        _repeatedReads = Math.Min(Free + 1, _repeatedReads + Math.Min(Free + 1, ReadsOf(part, pieceBytes)) * ReadsOfRepeated);
        _repeated ??= name;
    }

    private void Count(TensorEntry view, int pieceBytes, string name)
    {
        var (all, first) = _work.GetValueOrDefault(view.Storage, new Work(0, name));
        _work[view.Storage] = new Work(Math.Min(long.MaxValue / 2, all + ReadsOf(view, pieceBytes)), first);
    }

    private static long ReadsOf(TensorEntry view, int pieceBytes)
    {
        var width = view.DType.BytesPerElement;
        var (reads, bytesInVain) = GatheredReads.Count(view.Shape.AsSpan(), view.Strides.AsSpan(), width, Math.Max(pieceBytes, width));
        return reads + (bytesInVain / BytesInVainPerRead);
    }

    // The first tensor of the storage with which there is too much; null where there is not.
    private string? Excess()
    {
        var left = Free - _repeatedReads;
        if (left < 0) return _repeated;
        foreach (var (storage, work) in _work)
        {
            var transposed = Math.Ceiling((double)storage.Bytes / ReadSizes.GatheredBytes) * Math.Ceiling((double)storage.Bytes / GatheredReads.PageBytes);
            var excess = work.Reads - (storage.Bytes / BytesPerRead) - (TimesTransposed * transposed);
            left -= (long)Math.Clamp(excess, 0, Free + 1);
            if (left < 0) return work.Name;
        }

        return null;
    }

    /// <summary>Of one storage.</summary>
    /// <param name="Reads">Of all its views.</param>
    /// <param name="Name">The first of them.</param>
    private readonly record struct Work(long Reads, string Name);
}
