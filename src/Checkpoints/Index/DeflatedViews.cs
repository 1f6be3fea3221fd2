namespace Loadline.Checkpoints.Pth;

/// <summary>
/// How often records that are deflated would be inflated: a read goes on where the one before it ended, and starts over where it begins before that. Writers list
/// the tensors of a storage forward, or a few of them otherwise.
/// </summary>
internal static class DeflatedViews
{
    private const int MostTimes = 16;

    // Of all records together: a second's work.
    private const long FreeBytes = ByteSize.GiB;

    /// <summary>Refuses a checkpoint whose tensors, one after the other, would have a record inflated again and again.</summary>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="entries">In the order in which they are read.</param>
    /// <exception cref="CheckpointException">One would be.</exception>
    public static void RequireFew(string path, IReadOnlyList<TensorEntry> entries)
    {
        Dictionary<StorageEntry, (long Position, long Inflated)>? records = null;
        var excess = 0L;
        foreach (var entry in entries)
        {
            var storage = entry.Storage;
            if (storage.CompressedBytes is null) continue;
            records ??= [];
            var (position, inflated) = records.GetValueOrDefault(storage);
            var start = entry.StorageOffset * entry.DType.BytesPerElement;
            var end = Math.Min(storage.Bytes, start + entry.ByteCount);
            var more = start < position ? end : end - position;
            // What of it is beyond that many times the record.
            excess += Math.Clamp(inflated + more - Math.Min(storage.Bytes, long.MaxValue / MostTimes) * MostTimes, 0, more);
            if (excess > FreeBytes)
            {
                throw new CheckpointException(
                    CheckpointError.Unsupported, path, $"lies in a compressed record with tensors in such an order that it would be inflated more than {MostTimes} times: save it uncompressed", entry.Name);
            }

            records[storage] = (end, inflated + more);
        }
    }
}
