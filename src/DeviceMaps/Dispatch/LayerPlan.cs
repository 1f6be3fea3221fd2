using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Memory;

namespace Loadline.DeviceMaps.Dispatch;

/// <summary>What of a layer stays where it is, and what comes as a copy.</summary>
internal sealed class LayerPlan
{
    private const int PieceBytes = 4 * (int)ByteSize.MiB;

    private readonly Model _model;
    private readonly ImmutableArray<string> _staying;
    private readonly ImmutableArray<ImmutableArray<string>> _coming;

    private LayerPlan(Model model, string name, ImmutableArray<string> staying, ImmutableArray<ImmutableArray<string>> coming) =>
        (_model, Name, _staying, _coming, Bytes) = (model, name, staying, coming, coming.Sum(views => model[views[0]].Layout.ByteCount));

    public string Name { get; }

    /// <summary>What the copies take.</summary>
    public long Bytes { get; }

    /// <summary>Sorts a module's tensors.</summary>
    public static LayerPlan Of(Model model, string module, IReadOnlyList<string> names, DispatchOptions options)
    {
        if (names.Count == 0) throw new ArgumentException($"the model has no tensors of a module '{PrintableText.Escape(module)}'");
        var offloaded = names.ToLookup(name => options.ResidentBytes is not null && options.Offloaded(name, model[name]));
        if (offloaded[true].FirstOrDefault(name => model[name].Storage is not HostStorage) is { } lost)
        {
            throw new ArgumentException($"tensor '{PrintableText.Escape(lost)}' is on {model[lost].Device}: only what lies on the host can come");
        }

        // Ties stay ties: names of the same view share its copy.
        return new LayerPlan(model, module, [.. offloaded[false]], [.. offloaded[true].GroupBy(name => View(model[name])).Select(g => g.ToImmutableArray())]);
    }

    /// <summary>The layer, with its copies made.</summary>
    /// <exception cref="CheckpointException">A file became shorter.</exception>
    public Layer Bring(int readers)
    {
        var layer = new Layer(_model.Engine, Name);
        try
        {
            foreach (var name in _staying) layer.Set(name, _model[name].Layout, _model[name].Storage);
            var copies = _coming.Select(names => (From: _model[names[0]], To: Allocate(layer, names))).ToList();
            using var reader = new ThreadLocal<TensorReader>(() => new TensorReader());
            Readers.Run((int)Math.Clamp(Bytes / PieceBytes, 1, readers), Pieces(copies), piece =>
                piece.From.Read(reader.Value!, piece.Offset, piece.To.Slice(piece.Offset, piece.Bytes)));
            return layer;
        }
        catch
        {
            layer.Dispose();
            throw;
        }
    }

    // The halves of the offset by themselves: all multiples of 2^32 + 1 have one hash.
    private static (Storage Storage, int Low, int High, DType DType, string Shape, string Strides) View(Tensor tensor) =>
        (tensor.Storage, (int)tensor.Layout.StorageOffset, (int)(tensor.Layout.StorageOffset >> 32), tensor.DType,
            Shapes.Format(tensor.Shape.AsSpan()), Shapes.Format(tensor.Strides.AsSpan()));

    // A copy has no gaps, whatever the view in the file has.
    private HostStorage Allocate(Layer layer, ImmutableArray<string> names)
    {
        var view = _model[names[0]].Layout;
        var storage = (HostStorage)_model.Engine.Allocate(Device.Cpu, view.ByteCount);
        var dense = view with { Strides = Shapes.ContiguousStrides(view.Shape.AsSpan()), StorageOffset = 0 };
        storage.UsedFor("layer", names[0]);
        foreach (var name in names) layer.Set(name, dense, storage);
        storage.Release();
        return storage;
    }

    // In the file's order, so that the disk reads forward; whole elements of every dtype.
    private static IEnumerable<(Tensor From, HostStorage To, long Offset, int Bytes)> Pieces(IEnumerable<(Tensor From, HostStorage To)> copies)
    {
        foreach (var (from, to) in copies)
        {
            for (long offset = 0; offset < to.Bytes; offset += PieceBytes) yield return (from, to, offset, (int)Math.Min(PieceBytes, to.Bytes - offset));
        }
    }
}
