using Loadline.Checkpoints;
using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Loading;

/// <summary>The bytes of a layout's storages, read or mapped. Reads may run on several threads at once.</summary>
internal sealed unsafe class WeightSource(Checkpoint checkpoint) : IDisposable
{
    private readonly Dictionary<(string File, MappingAccess Access), FileMapping> _mappings = [];
    private readonly Lock _lock = new();

    /// <summary>Fills the destination with a storage's bytes from an offset on.</summary>
    public void Read(WeightStorage storage, long offset, Span<byte> destination)
    {
        if (storage.Gathered is null)
        {
            checkpoint.Read(storage.Source, storage.SourceOffset + offset, destination);
            return;
        }

        // SAFETY: the mapping lives until this source is disposed, after all reads; Slice has checked that the whole storage lies inside it.
        StridedGather.Read(storage.Gathered, Slice(storage, MappingAccess.ReadOnly).Mapping.Pointer + storage.Source.Position, offset, destination);
    }

    /// <summary>A storage, not empty, that is the file's own pages: written pages become private, the file never changes.</summary>
    public MappedStorage Map(WeightStorage storage)
    {
        var (mapping, offset) = Slice(storage, MappingAccess.CopyOnWrite);
        return new MappedStorage(mapping, offset, storage.Bytes);
    }

    /// <summary>Hands a piece of a storage to <paramref name="use"/> straight from the page cache, and lets the pages go behind it.</summary>
    public void Use(WeightStorage storage, long offset, int bytes, SpanUser use)
    {
        var (mapping, start) = Slice(storage, MappingAccess.ReadOnly);
        mapping.Populate(start + offset, bytes);
        use(new ReadOnlySpan<byte>(mapping.Pointer + start + offset, bytes));
        mapping.Advise(start + offset, bytes, MappingAdvice.DontNeed);
    }

    public void Dispose()
    {
        foreach (var mapping in _mappings.Values) mapping.Dispose();
    }

    private (FileMapping Mapping, long Offset) Slice(WeightStorage storage, MappingAccess access)
    {
        var source = storage.Source;
        if (!source.IsMappable)
        {
            throw new CheckpointException(
                CheckpointError.Unsupported, source.File,
                storage.Gathered is null
                    ? "is compressed and cannot be mapped: use meta-assign or streamed, or save it uncompressed"
                    : "is a view with gaps of compressed bytes, which only the CPU takes as they are: load it there, or save it uncompressed",
                storage.Tensors[0].Name);
        }

        lock (_lock)
        {
            if (!_mappings.TryGetValue((source.File, access), out var mapping))
            {
                _mappings.Add((source.File, access), mapping = FileMapping.Open(source.File, access));
            }

            if (source.Position > mapping.Bytes - source.Bytes)
            {
                throw new CheckpointException(
                    CheckpointError.Truncated, source.File, $"needs bytes up to {source.Position + source.Bytes}, but the file now ends at {mapping.Bytes}", storage.Tensors[0].Name);
            }

            return (mapping, source.Position + storage.SourceOffset);
        }
    }
}

/// <summary>Something to be done with bytes that are only lent.</summary>
internal delegate void SpanUser(ReadOnlySpan<byte> bytes);
