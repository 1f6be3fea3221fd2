namespace Loadline.Checkpoints.Index;

/// <summary>
/// What it would take to put tensors together whose parts lie between each other: each run of a part, as short as an element, is copied by itself whenever they are laid out.
/// What ranks wrote has a run for a byte at most; a part that repeats its bytes, or stands for many boxes, may ask for any number.
/// </summary>
internal static class ShortRuns
{
    // Half a second's work.
    private const long Free = 1 << 24;

    /// <summary>Refuses a checkpoint that would take far more work than its parts have bytes in their files.</summary>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="entries">Its tensors, with fewer than 2^60 bytes altogether.</param>
    /// <exception cref="CheckpointException">It would.</exception>
    public static void RequireFew(string path, IReadOnlyList<TensorEntry> entries)
    {
        var runs = 0L;
        // A loop: what opens any checkpoint is to compile nothing, as a query is.
        for (var i = 0; i < entries.Count; i++) runs += entries[i].Storage.Assembled?.Runs ?? 0;
        // Most have a few for each part, and nobody looks at those.
        if (runs > Free && runs - Free > BytesInFiles(entries)) throw Refuse(path, entries);
    }

    private static CheckpointException Refuse(string path, IReadOnlyList<TensorEntry> entries)
    {
        var most = entries.MaxBy(entry => entry.Storage.Assembled?.Runs ?? 0)!;
        return new CheckpointException(
            CheckpointError.Unsupported, path,
            $"is put together of {most.Storage.Assembled!.Runs} runs of elements, far more than its parts have bytes: their elements are repeated, or one part stands for many boxes; save copies, as tensor.contiguous() makes them", most.Name);
    }

    private static long BytesInFiles(IReadOnlyList<TensorEntry> entries)
    {
        var (seen, bytes) = (new HashSet<StorageEntry>(), 0L);
        foreach (var (_, part, _) in entries.SelectMany(entry => entry.Storage.Assembled?.Parts ?? []))
        {
            // What it does not reach may be a hole.
            var reached = Shapes.Reach(part.Shape.AsSpan(), part.Strides.AsSpan()) * part.DType.BytesPerElement;
            if (seen.Add(part.Storage)) bytes += Math.Min(reached, part.Storage.CompressedBytes ?? part.Storage.Bytes);
        }

        return bytes;
    }
}
