namespace Loadline.Checkpoints.Index;

/// <summary>
/// How often records that are deflated would be inflated: a read goes on where the one before it ended, and starts over where it begins before that. Writers list
/// the tensors of a storage forward, or a few of them otherwise.
/// </summary>
internal sealed class DeflatedViews
{
    private const int MostTimes = 16;

    // Of all records together: a second's work.
    private const long FreeBytes = ByteSize.GiB;

    // What a byte in the file may cost beside what comes of it: blocks of deflate that hold nothing but the tables of their codes take 60 ns a byte, and weights 10.
    private const long BytesPerCompressedByte = 16;

    private readonly Dictionary<StorageEntry, (long Position, long Inflated)> _records = [];
    private long _excess;

    /// <summary>Refuses a checkpoint whose tensors, one after the other, would have a record inflated again and again.</summary>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="entries">In the order in which they are read; of one that is put together each part is read from its own file.</param>
    /// <exception cref="CheckpointException">One would be.</exception>
    public static void RequireFew(string path, IReadOnlyList<TensorEntry> entries)
    {
        DeflatedViews? views = null;
        foreach (var entry in entries)
        {
            if (entry.Storage.Assembled is null) Count(entry, entry.Name);
            else foreach (var (_, part) in entry.Storage.Assembled.Parts) Count(part, entry.Name);
        }

        void Count(TensorEntry part, string name)
        {
            if (part.Storage.CompressedBytes is { } compressed) (views ??= new DeflatedViews()).Count(part, compressed);
            if (views?._excess > FreeBytes)
            {
                throw new CheckpointException(
                    CheckpointError.Unsupported, path, $"lies in a compressed record with tensors in such an order that it would be inflated more than {MostTimes} times: save it uncompressed", name);
            }
        }
    }

    private void Count(TensorEntry part, long compressedBytes)
    {
        var storage = part.Storage;
        var isNew = !_records.TryGetValue(storage, out var seen);
        var start = part.StorageOffset * part.DType.BytesPerElement;
        var end = Math.Min(storage.Bytes, start + part.ByteCount);
        var tables = BytesPerCompressedByte * compressedBytes;
        var more = isNew || start < seen.Position ? end + tables : end - seen.Position;
        // What of it is beyond that many times the record.
        _excess += Math.Clamp(seen.Inflated + more - Math.Min(storage.Bytes + tables, long.MaxValue / MostTimes) * MostTimes, 0, more);
        _records[storage] = (end, seen.Inflated + more);
    }
}
