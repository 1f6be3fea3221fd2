using System.Collections.Concurrent;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;
using Loadline.Tensors.Memory;

namespace Loadline.Reading;

/// <summary>The bytes of a layout's storages, read or mapped. Reads may run on several threads at once.</summary>
/// <param name="checkpoint">Where the bytes are.</param>
/// <param name="conversions">For weights that get another dtype; null where none does. It is freed with this.</param>
internal sealed class WeightSource(Checkpoint checkpoint, ConvertedReads? conversions = null) : IDisposable
{
    private readonly Dictionary<string, FileMapping> _mappings = [];
    private readonly ConcurrentDictionary<string, Lazy<FileMapping>> _readOnly = [];

    // A window of 1 MiB each, which only views with gaps take.
    private readonly ThreadLocal<TensorPieceReader> _gatherers = new(() => new TensorPieceReader(checkpoint.Read));

    /// <summary>Gets the name of the tensor whose bytes are about to be read; of tensors that share them the first.</summary>
    public Action<string>? Touches { get; init; }

    /// <summary>Gets how the pages of mapped weights come in: <see cref="CapRoom"/> says it.</summary>
    public Func<MappingAdvice> Advice { get; init; } = static () => MappingAdvice.None;

    /// <inheritdoc cref="Checkpoint.IdentityOf"/>
    public FileIdentity? IdentityOf(string file) => checkpoint.IdentityOf(file);

    /// <summary>Fills the destination with a storage's bytes, as they are to be in memory, from an offset on.</summary>
    public void Read(WeightStorage storage, long offset, Span<byte> destination)
    {
        Touches?.Invoke(storage.Tensors[0].Name);
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

    /// <summary>Whether weights are to be read past the page cache.</summary>
    public bool ReadsDirect => checkpoint.ReadPolicy.ReadsDirect;

    /// <summary>Whether they are, and the file system does that: its first block is tried.</summary>
    /// <param name="block">Aligned memory that nobody needs.</param>
    public bool CanReadDirect(Span<byte> block) => ReadsDirect && checkpoint.TryReadDirect(checkpoint.Files[0], 0, block, 1);

    /// <summary>Fills memory with a stretch of the file in which a storage lies, past the page cache.</summary>
    /// <param name="storage">What lies there first, for messages.</param>
    /// <param name="position">Where in the file it begins: with a whole block.</param>
    /// <param name="memory">Aligned like it, and whole blocks.</param>
    /// <param name="needed">What of it has to be there: the file may end before the last block does.</param>
    /// <returns>False where that cannot be: read it otherwise.</returns>
    public bool TryReadDirect(WeightStorage storage, long position, Span<byte> memory, int needed)
    {
        Touches?.Invoke(storage.Tensors[0].Name);
        try
        {
            return checkpoint.TryReadDirect(storage.Source.File, position, memory, needed);
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
            mapping.Advise(Advice());
        }

        if (source.Position > mapping.Bytes - source.Bytes)
        {
            throw new CheckpointException(
                CheckpointError.Truncated, source.File, $"needs bytes up to {source.Position + source.Bytes}, but the file now ends at {mapping.Bytes}", storage.Tensors[0].Name);
        }

        return new MappedStorage(mapping, source.Position + storage.SourceOffset, storage.Bytes);
    }

    /// <summary>Lends bytes of a storage that lies in the file as it will be in memory, mapped read-only, and lets their pages go again.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="offset">Where they begin.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="copy">Copies them; the span is good for nothing afterwards.</param>
    /// <returns>Whether the kernel can tell before they are touched that they are there; else nothing was copied, and they have to be read.</returns>
    /// <exception cref="CheckpointException">The file became shorter or cannot be read.</exception>
    public unsafe bool TryCopyMapped(WeightStorage storage, long offset, int bytes, ReadOnlySpanAction<byte> copy)
    {
        Touches?.Invoke(storage.Tensors[0].Name);
        var mapping = _readOnly.GetOrAdd(storage.Source.File, file => new Lazy<FileMapping>(() => MapReadOnly(file))).Value;
        var position = storage.SourceOffset + offset;
        var pointer = mapping.PointerTo(storage.Source) + position;
        if (!checkpoint.TryPopulate(mapping, storage.Source, position, bytes)) return false;
        // SAFETY: the mapping lives as long as this source, and its pages are there. A file that is cut from here on could still raise SIGBUS; the time is
        // that of one copy, and for what was copied of a page that was cut, the file's length is looked at after it.
        copy(new ReadOnlySpan<byte>(pointer, bytes));
        checkpoint.RequireLength(storage.Source, position + bytes);
        mapping.Forget(storage.Source.Position + position, bytes);
        checkpoint.DropBehind(storage.Source, position, bytes);
        return true;
    }

    /// <summary>Whether a strategy that maps gets at a storage: it lies in the file as it is in memory, or is read because it cannot.</summary>
    public static bool IsReachable(WeightStorage storage) =>
        storage.Source.IsMappable || storage.Bytes == 0 || storage.ConvertedFrom is not null || storage.Source.IsOnlyRead;

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
        foreach (var mapping in _readOnly.Values.Where(m => m.IsValueCreated)) mapping.Value.Dispose();
        _gatherers.Dispose();
        conversions?.Dispose();
    }

    private FileMapping MapReadOnly(string file)
    {
        var mapping = checkpoint.Map(file, MappingAccess.ReadOnly);
        mapping.ReadOnlyAsAsked();
        return mapping;
    }

    private void ReadStored(WeightStorage storage, long offset, Span<byte> destination)
    {
        if (storage.Gathered is null) checkpoint.Read(storage.Source, storage.SourceOffset + offset, destination);
        else _gatherers.Value!.Read(storage.Gathered, offset, destination);
    }
}

/// <summary>Takes a span that is only lent.</summary>
internal delegate void ReadOnlySpanAction<T>(ReadOnlySpan<T> span);
