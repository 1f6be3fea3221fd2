using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Forward.Models;

namespace Loadline.Unit.DeviceMaps;

/// <summary>Entries as a checkpoint's header gives them, without a file.</summary>
internal static class ModelEntries
{
    /// <summary>All tensors of a model that is known here, each with a storage of its own.</summary>
    public static IReadOnlyList<TensorEntry> Of(string model, DType? dtype = null)
    {
        var type = dtype ?? KnownModels.PublishedDType(model);
        return [.. KnownModels.TryCreate(model, type)!.Parameters.Select(p => Entry(p.Name, type, p.Shape))];
    }

    /// <summary>Tensors of so many bytes; one that names another shares its storage.</summary>
    public static IReadOnlyList<TensorEntry> Of(params (string Name, long Bytes, string? TiedTo)[] tensors)
    {
        var entries = new List<TensorEntry>();
        foreach (var (name, bytes, tiedTo) in tensors)
        {
            var entry = Entry(name, DType.UInt8, [bytes]);
            entries.Add(tiedTo is null ? entry : entry with { Storage = entries.Single(e => e.Name == tiedTo).Storage });
        }

        return entries;
    }

    private static TensorEntry Entry(string name, DType dtype, ImmutableArray<long> shape) => new(
        name, dtype, shape, Shapes.ContiguousStrides(shape.AsSpan()), 0, new StorageEntry("header", 0, dtype.ByteCount(Shapes.ElementCount(shape.AsSpan()))));
}
