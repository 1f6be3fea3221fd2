using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Index;

/// <summary>What a reader makes of a file or folder: which tensors there are, where their bytes lie, and the open files to read them from.</summary>
internal sealed class CheckpointIndex : IDisposable
{
    // More than any disk holds; sums of sizes stay far from 63 bits, whatever views a file declares.
    private const long MaxTensorBytes = 1024 * ByteSize.TiB;

    /// <summary>Takes the open files over: they are closed with the index, or at once where it is refused.</summary>
    /// <exception cref="CheckpointException">
    /// Two tensors have one name, all of them are larger than any disk, a record would be inflated again and again, views read element by element, or parts put together so.
    /// </exception>
    public CheckpointIndex(
        string path, CheckpointFormat format, IReadOnlyList<string> files, IReadOnlyList<TensorEntry> entries,
        IReadOnlyDictionary<string, string> metadata, FileReads reads, IReadOnlyList<UnloadableTensor>? unloadable = null)
    {
        (Path, Format, Files, Entries, Metadata, Reads) = (path, format, files, entries, metadata, reads);
        Unloadable = unloadable ?? [];
        try
        {
            RequireSize();
            DeflatedViews.RequireFew(path, entries);
            ScatteredViews.RequireFew(path, entries);
            ShortRuns.RequireFew(path, entries);
            ByName = IndexByName(entries);
            Storages = StoragesOf(entries);
            foreach (var storage in Storages) StorageBytes += storage.Bytes;
        }
        catch
        {
            reads.Dispose();
            throw;
        }
    }

    /// <summary>The path that was opened.</summary>
    public string Path { get; private set; }

    /// <summary>The format that the contents showed.</summary>
    public CheckpointFormat Format { get; }

    /// <summary>Every file that holds tensor bytes.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The file that says where tensors are, and holds none: an index of shards, a <c>.metadata</c>; null where there is none.</summary>
    public string? Description { get; init; }

    /// <summary>The tensors, in the order of the file.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>The same by their names.</summary>
    public IReadOnlyDictionary<string, TensorEntry> ByName { get; }

    /// <summary>Tensors that are there but cannot be loaded.</summary>
    public IReadOnlyList<UnloadableTensor> Unloadable { get; }

    /// <summary>What else the file says.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>What is odd about it, though it opens: a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The storages behind the tensors, each once, in the order in which entries first use them.</summary>
    public IReadOnlyList<StorageEntry> Storages { get; }

    /// <summary>Bytes of all storages, each counted once however many tensors share it.</summary>
    public long StorageBytes { get; }

    /// <summary>The open files.</summary>
    public FileReads Reads { get; }

    /// <summary>Says that the checkpoint was opened by another name than its file's own: by its folder's.</summary>
    public CheckpointIndex OpenedBy(string folder)
    {
        Path = folder;
        return this;
    }

    public void Dispose() => Reads.Dispose();

    private static List<StorageEntry> StoragesOf(IReadOnlyList<TensorEntry> entries)
    {
        var storages = new List<StorageEntry>(entries.Count);
        // Where each lies behind the one before, as in most files, none comes twice: the set is for the others.
        HashSet<StorageEntry>? seen = null;
        foreach (var entry in entries)
        {
            var storage = entry.Storage;
            if (seen is null && storages is [.., var last] && !IsBehind(storage, last)) seen = [.. storages];
            if (seen?.Add(storage) ?? true) storages.Add(storage);
        }

        return storages;
    }

    private static bool IsBehind(StorageEntry storage, StorageEntry other) => ReferenceEquals(storage.File, other.File) && storage.Position > other.Position;

    // Two tensors of one name would be one in every model: whoever loads both frees the first while it is still filled.
    private Dictionary<string, TensorEntry> IndexByName(IReadOnlyList<TensorEntry> entries)
    {
        var byName = new Dictionary<string, TensorEntry>(entries.Count);
        foreach (var entry in entries)
        {
            if (!byName.TryAdd(entry.Name, entry)) throw new CheckpointException(CheckpointError.Malformed, Path, "stands in the checkpoint twice", entry.Name);
        }

        return byName;
    }

    private void RequireSize()
    {
        var bytesLeft = MaxTensorBytes;
        foreach (var entry in Entries)
        {
            var bytes = entry.ByteCount;
            if (bytes > bytesLeft) throw new CheckpointException(CheckpointError.LimitExceeded, Path, $"declares more than {ByteSize.Format(MaxTensorBytes)} of tensors");
            bytesLeft -= bytes;
        }
    }
}
