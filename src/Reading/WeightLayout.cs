using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Tensors;

namespace Loadline.Reading;

/// <summary>
/// A storage as it will be in memory, the tensors that view it, and where its bytes come from. Its size is what the engine counts.
/// </summary>
/// <param name="Source">The bytes in the checkpoint.</param>
/// <param name="SourceOffset">Where they start in <paramref name="Source"/>.</param>
/// <param name="Bytes">The size in memory.</param>
/// <param name="Tensors">The views, described as they will be in memory.</param>
/// <param name="Gathered">The view in the file whose elements have gaps between them and must be gathered; null where bytes are taken as they lie.</param>
/// <param name="ConvertedFrom">The dtype in the file of what has another one in memory; null where it stays.</param>
internal sealed record WeightStorage(
    StorageEntry Source, long SourceOffset, long Bytes, ImmutableArray<TensorEntry> Tensors, TensorEntry? Gathered = null, DType? ConvertedFrom = null)
{
    /// <summary>Whether the bytes in memory are those of the file, once they are inflated.</summary>
    public bool IsAsInFile => Gathered is null && ConvertedFrom is null && !Source.IsOnlyRead;

    /// <summary>Whether they lie in the file as they will be in memory.</summary>
    public bool IsInFile => IsAsInFile && Source.IsMappable;
}

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

    /// <summary>The layout of a checkpoint's weights.</summary>
    /// <param name="checkpoint">Where they are.</param>
    /// <param name="entries">Which of them.</param>
    /// <param name="dtype">What they are converted to; null keeps each one's own.</param>
    /// <param name="device">Where they go.</param>
    /// <param name="deviceOf">Where each goes by its name, if not all go to <paramref name="device"/>.</param>
    /// <exception cref="CheckpointException">There is no conversion to the dtype.</exception>
    public static WeightLayout For(
        Checkpoint checkpoint, IReadOnlyList<TensorEntry> entries, TargetDType? dtype, Device device, Func<string, Device>? deviceOf = null)
    {
        var target = dtype?.In(checkpoint, entries);
        return deviceOf is null ? For(device, checkpoint.Format, entries, target) : For(deviceOf, checkpoint.Format, entries, target);
    }

    /// <summary>The layout on a device: on the host memory is shared as in the file, on an accelerator every tensor is contiguous.</summary>
    public static WeightLayout For(Device device, CheckpointFormat format, IReadOnlyList<TensorEntry> entries, TargetDType? dtype = null)
    {
        var wanted = Wanted.Of(entries, dtype);
        return new WeightLayout(format, [.. device.IsAccelerator ? Contiguous(wanted) : AsInFile(wanted)]);
    }

    /// <summary>What tensors take together on the host, and on an accelerator.</summary>
    public static (long Host, long Accelerator) BytesOf(IReadOnlyList<TensorEntry> entries, TargetDType? dtype)
    {
        var wanted = Wanted.Of(entries, dtype);
        return (AsInFile(wanted).Sum(s => s.Bytes), Contiguous(wanted).Sum(s => s.Bytes));
    }

    // Each storage as its device wants it.
    private static WeightLayout For(Func<string, Device> deviceOf, CheckpointFormat format, IReadOnlyList<TensorEntry> entries, TargetDType? dtype) =>
        new(format, [.. Wanted.Of(entries, dtype).GroupBy(t => t.Entry.Storage).SelectMany(shared =>
            deviceOf(shared.First().Entry.Name).IsAccelerator ? Contiguous([.. shared]) : AsInFile([.. shared]))]);

    /// <summary>Whether any of the weights gets another dtype.</summary>
    public bool HasConversions => Storages.Any(s => s.ConvertedFrom is not null);

    // A storage that is converted as a whole keeps its views, element by element. Where its tensors do not all change alike, each view gets its own.
    private static IEnumerable<WeightStorage> AsInFile(IReadOnlyList<Wanted> tensors) => tensors.GroupBy(t => t.Entry.Storage).SelectMany(g =>
    {
        var views = g.ToList();
        var (from, to) = (views[0].Entry.DType, views[0].DType);
        if (views.All(t => !t.IsConverted)) return [new WeightStorage(g.Key, 0, g.Key.Bytes, [.. views.Select(t => t.Entry)])];
        if (views.Any(t => t.Entry.DType != from || t.DType != to)) return Contiguous(views);
        var bytes = to.ByteCount(g.Key.Bytes / from.BytesPerElement);
        return [new WeightStorage(g.Key, 0, bytes, [.. views.Select(t => t.Entry with { DType = to })], ConvertedFrom: from)];
    });

    // Ties stay ties: entries that are the same view of the same storage remain one, unless they are wanted in different dtypes.
    private static IEnumerable<WeightStorage> Contiguous(IReadOnlyList<Wanted> tensors) =>
        tensors.GroupBy(t => t.View).Select(g =>
        {
            var (first, to) = g.First();
            var inMemory = g.Select(t => t.Entry with { DType = to, Strides = Shapes.ContiguousStrides(t.Entry.Shape.AsSpan()), StorageOffset = 0 });
            return new WeightStorage(
                first.Storage, first.StorageOffset * first.DType.BytesPerElement, to.ByteCount(first.ElementCount), [.. inMemory],
                first.IsContiguous ? null : first, first.DType == to ? null : first.DType);
        });

    // Classes: what sorts and groups values of one's own is compiled at run time, in every process anew.
    private sealed record View(ViewIdentity Stored, DType InMemory)
    {
        public override int GetHashCode() => HashCode.Combine(Stored, InMemory);
    }

    private sealed record Wanted(TensorEntry Entry, DType DType)
    {
        public static List<Wanted> Of(IReadOnlyList<TensorEntry> entries, TargetDType? dtype) => [.. entries.Select(e => new Wanted(e, dtype?.Of(e) ?? e.DType))];

        public bool IsConverted => Entry.DType != DType;

        public View View => new(ViewIdentity.Of(Entry), DType);
    }
}
