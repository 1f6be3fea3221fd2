using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Loading;

/// <summary>The bytes of a layout's storages, read or mapped. Reads may run on several threads at once.</summary>
/// <param name="checkpoint">Where the bytes are.</param>
/// <param name="conversions">For weights that get another dtype; null where none does. It is freed with this.</param>
internal sealed class WeightSource(Checkpoint checkpoint, ConvertedReads? conversions = null) : IDisposable
{
    private readonly Dictionary<string, FileMapping> _mappings = [];

    // A window of 1 MiB each, which only views with gaps take.
    private readonly ThreadLocal<TensorPieceReader> _gatherers = new(() => new TensorPieceReader(checkpoint.Read));

    /// <summary>Fills the destination with a storage's bytes, as they are to be in memory, from an offset on.</summary>
    public void Read(WeightStorage storage, long offset, Span<byte> destination)
    {
        try
        {
            if (storage.ConvertedFrom is null) ReadStored(storage, offset, destination);
            else conversions!.Read(storage, offset, destination, ReadStored);
        }
        catch (CheckpointException e) when (e.Tensor is null)
        {
            throw e.WhileReading(storage.Tensors[0].Name);
        }
    }

    /// <summary>A storage, not empty, that is the file's own pages: written pages become private, the file never changes.</summary>
    public MappedStorage Map(WeightStorage storage)
    {
        RequireMappable(storage);
        var source = storage.Source;
        if (!_mappings.TryGetValue(source.File, out var mapping))
        {
            _mappings.Add(source.File, mapping = checkpoint.Map(source.File, MappingAccess.CopyOnWrite));
        }

        if (source.Position > mapping.Bytes - source.Bytes)
        {
            throw new CheckpointException(
                CheckpointError.Truncated, source.File, $"needs bytes up to {source.Position + source.Bytes}, but the file now ends at {mapping.Bytes}", storage.Tensors[0].Name);
        }

        return new MappedStorage(mapping, source.Position + storage.SourceOffset, storage.Bytes);
    }

    /// <summary>Whether a strategy that maps gets at a storage: it lies in the file as it is in memory, or is read because it cannot.</summary>
    public static bool IsReachable(WeightStorage storage) => storage.Source.IsMappable || storage.Bytes == 0 || storage.ConvertedFrom is not null;

    /// <summary>Refuses what is not reachable.</summary>
    public static void RequireMappable(WeightStorage storage)
    {
        if (IsReachable(storage)) return;
        throw new CheckpointException(
            CheckpointError.Unsupported, storage.Source.File, "is compressed and cannot be mapped: use meta-assign or streamed, or save it uncompressed", storage.Tensors[0].Name);
    }

    public void Dispose()
    {
        foreach (var mapping in _mappings.Values) mapping.Dispose();
        _gatherers.Dispose();
        conversions?.Dispose();
    }

    private void ReadStored(WeightStorage storage, long offset, Span<byte> destination)
    {
        if (storage.Gathered is null) checkpoint.Read(storage.Source, storage.SourceOffset + offset, destination);
        else _gatherers.Value!.Read(storage.Gathered, offset, destination);
    }
}
