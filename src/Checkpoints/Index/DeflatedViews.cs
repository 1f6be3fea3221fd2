using Loadline.Checkpoints.Deflate;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>
/// How often records that are deflated would be inflated: a read goes on where an earlier one ended, of a few records at a time, and starts over where none of them
/// is before it, as <see cref="InflatingReads"/> does; a tensor that is laid out otherwise than its storage is read in pieces, each from the start. Writers list the tensors of a
/// storage forward, or a few of them otherwise.
/// </summary>
internal sealed class DeflatedViews
{
    // One tensor has four names in T5: three embeddings and the head. A tensor that is a part of its record has as much of that.
    private const int MostTimes = 4;

    // Of all records together: a second's work.
    private const long FreeBytes = ByteSize.GiB;

    // What a byte in the file may cost beside what comes of it, in nanoseconds, as a byte that comes of it costs about one. Weights take 3; words of 15 bits that mean one
    // byte each, with as many blocks as there may be, 22.
    private const long BytesPerCompressedByte = 22;

    // No disk holds more, and what is counted of it stays far from 63 bits.
    private const long MostBytes = 1L << 52;

    private readonly Dictionary<StorageEntry, (long Inflated, long Declared)> _read = [];
    private readonly List<(StorageEntry Storage, long Position)> _latestLast = [];
    private long _excess;

    /// <summary>Refuses a checkpoint whose tensors, one after the other, would have a record inflated again and again.</summary>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="entries">In the order in which most strategies read them; of one that is put together each part is read from its own file.</param>
    /// <exception cref="CheckpointException">One would be.</exception>
    public static void RequireFew(string path, IReadOnlyList<TensorEntry> entries)
    {
        DeflatedViews? views = null;
        foreach (var entry in entries)
        {
            if (entry.Storage.CompressedBytes is not null) Count(entry, entry.ByteCount, entry.Name);
            if (entry.Storage.Assembled is not { } assembled) continue;
            foreach (var (part, spanBytes) in assembled.Deflated) Count(part, spanBytes, entry.Name);
        }

        if (views is null) return;
        // What goes onto an accelerator is read as it lies in its file, whatever the order of the names.
        views = new DeflatedViews();
        foreach (var entry in InFileOrder(entries)) Count(entry, entry.ByteCount, entry.Name);

        void Count(TensorEntry part, long spanBytes, string name)
        {
            views ??= new DeflatedViews();
            views.Count(part, spanBytes);
            if (views._excess <= FreeBytes) return;
            throw new CheckpointException(
                CheckpointError.Unsupported, path, $"lies in a compressed record with tensors in such an order that it would be inflated more than {MostTimes} times, or again and again for a little of it: save it uncompressed", name);
        }
    }

    // By itself, since most checkpoints have none, and open without LINQ.
    private static IEnumerable<TensorEntry> InFileOrder(IReadOnlyList<TensorEntry> entries) => entries.Where(e => e.Storage.CompressedBytes is not null)
        .OrderBy(e => e.Storage.File, StringComparer.Ordinal).ThenBy(e => e.Storage.Position + (e.StorageOffset * e.DType.BytesPerElement));

    private void Count(TensorEntry part, long spanBytes)
    {
        var storage = part.Storage;
        var start = part.StorageOffset * part.DType.BytesPerElement;
        var (bytes, compressed) = (Math.Min(storage.Bytes, MostBytes), Math.Min(storage.CompressedBytes!.Value, MostBytes));
        var tables = (BytesPerCompressedByte * compressed) + Inflater.FreeNanoseconds(compressed);
        var end = Math.Min(bytes, start + part.ByteCount);
        var index = _latestLast.FindIndex(read => read.Storage == storage && read.Position <= start);
        var more = index < 0 ? end + tables : Math.Max(0, end - _latestLast[index].Position);
        more += Math.Min(MostBytes / (end + tables + 1), ReturnsToStart(part, spanBytes)) * (end + tables);

        if (index >= 0) _latestLast.RemoveAt(index);
        _latestLast.Add((storage, end));
        if (_latestLast.Count > InflatingReads.MaxInProgress) _latestLast.RemoveAt(0);

        var (inflated, declared) = _read.GetValueOrDefault(storage);
        declared = Math.Min(bytes, declared + Math.Min(bytes, part.ByteCount));
        // What of it is beyond the record, once, and that many times what tensors have of it: of a few bytes at its end nobody needs it again and again.
        var free = bytes + tables + (long)((MostTimes - 1) * (double)(bytes + tables) * declared / Math.Max(1, bytes));
        _excess += Math.Clamp(inflated + more - free, 0, more);
        _read[storage] = (inflated + more, declared);
    }

    // How often more than once a tensor is read from the start of its storage. The pieces that it is read in, row by row, lie there one behind the other; or, as of a
    // transposed one, each reaches all over it, and is gathered in the order of the storage; or rows lie among each other, too far apart for that, and each is read alone.
    // Pieces are of the whole tensor, of which a part may have a little in each.
    private static long ReturnsToStart(TensorEntry part, long spanBytes)
    {
        var dimensions = part.Shape.Zip(part.Strides, (Size, Stride) => (Size, Stride)).Where(d => d.Size > 1).ToList();
        if (part.ElementCount == 0 || IsNested(dimensions)) return 0;
        var reach = dimensions.Sum(d => (d.Size - 1) * d.Stride) + 1;
        dimensions.RemoveAll(d => d.Stride == 0);
        var isGathered = reach <= GatheredReads.WindowBytes / part.DType.BytesPerElement || IsNested([.. dimensions.OrderByDescending(d => d.Stride)]);
        // A read that begins within several dimensions takes a piece for each.
        return isGathered ? (spanBytes - 1) / ReadSizes.ConvertedPieceBytes * Math.Max(1, dimensions.Count - 1) : part.ElementCount;
    }

    // Whether each dimension steps over all that those within it reach.
    private static bool IsNested(IReadOnlyList<(long Size, long Stride)> dimensions)
    {
        var reach = 1L;
        for (var d = dimensions.Count - 1; d >= 0; d--)
        {
            if (dimensions[d].Stride < reach) return false;
            reach += (dimensions[d].Size - 1) * dimensions[d].Stride;
        }

        return true;
    }
}
