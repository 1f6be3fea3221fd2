namespace Loadline.Checkpoints.Pth;

/// <summary>What an archive of <c>torch.save</c> holds, wherever it lies.</summary>
/// <param name="Entries">The tensors.</param>
/// <param name="Metadata">All other values.</param>
/// <param name="Unloadable">Tensors that cannot be loaded.</param>
/// <param name="Notes">What is odd about it.</param>
internal sealed record PthContents(
    IReadOnlyList<TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<UnloadableTensor> Unloadable,
    IReadOnlyList<string> Notes)
{
    /// <summary>Whether it is an empty dictionary or list.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>The same of an archive inside a larger file: tensors that share a storage go on sharing it.</summary>
    /// <param name="start">Where the archive starts.</param>
    public PthContents ShiftedBy(long start)
    {
        var shifted = new Dictionary<StorageEntry, StorageEntry>();
        return this with { Entries = [.. Entries.Select(entry => entry with { Storage = Shift(entry.Storage) })] };

        StorageEntry Shift(StorageEntry storage)
        {
            if (!shifted.TryGetValue(storage, out var moved)) shifted.Add(storage, moved = storage with { Position = storage.Position + start });
            return moved;
        }
    }
}
