using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Strategies.Maps;

namespace Loadline.Strategies.Loading;

/// <summary>
/// A storage as it will be in memory, the tensors that view it, and where its bytes come from. Its size is what the engine counts.
/// </summary>
/// <param name="Source">The bytes in the checkpoint.</param>
/// <param name="SourceOffset">Where they start in <paramref name="Source"/>.</param>
/// <param name="Bytes">The size in memory.</param>
/// <param name="Tensors">The views, described as they will be in memory.</param>
/// <param name="Gathered">The view in the file whose elements have gaps between them and must be gathered; null where bytes are taken as they lie.</param>
internal sealed record WeightStorage(
    StorageEntry Source, long SourceOffset, long Bytes, ImmutableArray<TensorEntry> Tensors, TensorEntry? Gathered = null);

/// <summary>All storages of a load, by the part of the checkpoint that they come from.</summary>
internal sealed class WeightLayout
{
    private WeightLayout(CheckpointFormat format, ImmutableArray<WeightStorage> storages)
    {
        Storages = storages;
        // Of the formats with several files only this one is meant to be loaded a file at a time: per-tensor's files hold too little each.
        Shards = format == CheckpointFormat.Sharded ? [.. storages.GroupBy(s => s.Source.File).Select(shard => shard.ToList())] : [storages];
    }

    public ImmutableArray<WeightStorage> Storages { get; }

    /// <summary>The same storages, shard by shard; all of them as one where the checkpoint has no shards.</summary>
    public IReadOnlyList<IReadOnlyList<WeightStorage>> Shards { get; }

    /// <summary>The layout on a device: on the host memory is shared as in the file, on an accelerator every tensor is contiguous.</summary>
    public static WeightLayout For(Device device, CheckpointFormat format, IReadOnlyList<TensorEntry> entries) =>
        new(format, [.. device.IsAccelerator ? Contiguous(entries) : AsInFile(entries)]);

    /// <summary>The layout on the devices of a map, each storage as its device wants it.</summary>
    public static WeightLayout For(DeviceMap map, CheckpointFormat format, IReadOnlyList<TensorEntry> entries) =>
        new(format, [.. entries.GroupBy(e => e.Storage).SelectMany(shared => map.DeviceOf(shared.First().Name).IsAccelerator ? Contiguous([.. shared]) : AsInFile([.. shared]))]);

    /// <summary>What the cost of a load is computed from.</summary>
    public LoadSizes Sizes(long ringBytes) => new(Storages.Sum(s => s.Bytes), Storages.Select(s => s.Bytes).DefaultIfEmpty().Max(), ringBytes)
    {
        IsMappable = Storages.All(s => s.Bytes == 0 || s.Source.IsMappable),
        LargestShardBytes = Shards.Select(shard => shard.Sum(s => s.Bytes)).DefaultIfEmpty().Max(),
    };

    /// <summary>Each view by itself. Ties stay ties: entries that are the same view of the same storage remain one.</summary>
    internal static IEnumerable<WeightStorage> Contiguous(IReadOnlyList<TensorEntry> entries) =>
        entries.GroupBy(e => (e.Storage, e.StorageOffset, e.DType, Shapes.Format(e.Shape.AsSpan()), Shapes.Format(e.Strides.AsSpan()))).Select(g =>
        {
            var view = g.First();
            var tensors = g.Select(e => e with { Strides = Shapes.ContiguousStrides(e.Shape.AsSpan()), StorageOffset = 0 });
            return new WeightStorage(
                view.Storage, view.StorageOffset * view.DType.BytesPerElement, view.ByteCount, [.. tensors], view.IsContiguous ? null : view);
        });

    private static IEnumerable<WeightStorage> AsInFile(IReadOnlyList<TensorEntry> entries) =>
        entries.GroupBy(e => e.Storage).Select(g => new WeightStorage(g.Key, 0, g.Key.Bytes, [.. g]));
}
