using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>
/// How often records that are deflated would be inflated: a read goes on where an earlier one ended, of a few records at a time, and starts over where none of them
/// is before it, as <see cref="InflatingReads"/> does; a tensor that is laid out otherwise than its storage is read in pieces, each from the start. Writers list the tensors of a
/// storage forward, or a few of them otherwise.
/// </summary>
internal sealed class DeflatedViews
{
    // One tensor has four names in T5: three embeddings and the head.
    private const int MostTimes = 4;

    // Of all records together: a second's work.
    private const long FreeBytes = ByteSize.GiB;

    // What a byte in the file may cost beside what comes of it, in nanoseconds, as a byte that comes of it costs about one: of blocks without contents 12. Weights take 3.
    private const long BytesPerCompressedByte = 12;

    // No disk holds more, and what is counted of it stays far from 63 bits.
    private const long MostBytes = 1L << 52;

    private readonly Dictionary<StorageEntry, long> _inflated = [];
    private readonly List<(StorageEntry Storage, long Position)> _latestLast = [];
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
            if (entry.Storage.CompressedBytes is not null) Count(entry, entry.Name);
            if (entry.Storage.Assembled is not { } assembled) continue;
            foreach (var part in assembled.Deflated) Count(part, entry.Name);
        }

        void Count(TensorEntry part, string name)
        {
            views ??= new DeflatedViews();
            views.Count(part);
            if (views._excess <= FreeBytes) return;
            throw new CheckpointException(
                CheckpointError.Unsupported, path, $"lies in a compressed record with tensors in such an order that it would be inflated more than {MostTimes} times: save it uncompressed", name);
        }
    }

    private void Count(TensorEntry part)
    {
        var storage = part.Storage;
        var start = part.StorageOffset * part.DType.BytesPerElement;
        var (bytes, tables) = (Math.Min(storage.Bytes, MostBytes), BytesPerCompressedByte * Math.Min(storage.CompressedBytes!.Value, MostBytes));
        var end = Math.Min(bytes, start + part.ByteCount);
        var index = _latestLast.FindIndex(read => read.Storage == storage && read.Position <= start);
        var more = index < 0 ? end + tables : Math.Max(0, end - _latestLast[index].Position);
        if (!GoesForward(part)) more += Math.Min(MostBytes / (end + tables + 1), (part.ByteCount - 1) / ReadSizes.ConvertedPieceBytes) * (end + tables);

        if (index >= 0) _latestLast.RemoveAt(index);
        _latestLast.Add((storage, end));
        if (_latestLast.Count > InflatingReads.MaxInProgress) _latestLast.RemoveAt(0);

        var inflated = _inflated.GetValueOrDefault(storage);
        // What of it is beyond that many times the record.
        _excess += Math.Clamp(inflated + more - MostTimes * (bytes + tables), 0, more);
        _inflated[storage] = inflated + more;
    }

    // Whether the pieces that a tensor is read in, row by row, lie in its storage one behind the other. Of a transposed one each reaches all over it.
    private static bool GoesForward(TensorEntry part)
    {
        var reach = 1L;
        for (var d = part.Shape.Length - 1; d >= 0; d--)
        {
            if (part.Shape[d] <= 1) continue;
            if (part.Strides[d] < reach) return false;
            reach += (part.Shape[d] - 1) * part.Strides[d];
        }

        return true;
    }
}
