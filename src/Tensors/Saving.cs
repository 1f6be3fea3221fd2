using Loadline.Checkpoints;
using Loadline.Tensors.Memory;

namespace Loadline.Tensors;

/// <summary>Writes tensors, wherever they are, in bounded memory.</summary>
internal static class Saving
{
    // A multiple of every element's width.
    private const int PieceBytes = (int)(4 * ByteSize.MiB);

    /// <summary>Writes all tensors in their order; what is one tensor by several names is written once where the format knows that.</summary>
    public static void Save(NamedTensors tensors, string path, CheckpointFormat format, IReadOnlyDictionary<string, string>? metadata, CancellationToken cancellation)
    {
        var (declared, written) = (new List<TensorDeclaration>(tensors.Count), new List<Tensor>());
        var firstOf = new Dictionary<(Storage, DType, string), string>();
        foreach (var (name, tensor) in tensors)
        {
            if (tensor.Storage is not IReadableStorage) throw new InvalidOperationException($"'{name}' is on {tensor.Device}, which counts bytes and keeps none to save");
            var tie = format == CheckpointFormat.Pth && tensor.ElementCount > 0 ? TieOf(name, tensor, firstOf) : null;
            declared.Add(new TensorDeclaration(name, tensor.DType, tensor.Shape, tie));
            if (tie is null) written.Add(tensor);
        }

        using var writer = CheckpointWriter.Create(path, format, declared, CheckpointWriter.MetadataWith(metadata));
        var (reader, piece) = (new TensorReader(), new byte[PieceBytes]);
        foreach (var tensor in written) Write(tensor);
        writer.Commit();

        void Write(Tensor tensor)
        {
            var bytes = tensor.Layout.ByteCount;
            for (var offset = 0L; offset < bytes;)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = piece.AsSpan(0, (int)Math.Min(piece.Length, bytes - offset));
                tensor.Read(reader, offset, part);
                writer.Write(part);
                offset += part.Length;
            }
        }
    }

    private static string? TieOf(string name, Tensor tensor, Dictionary<(Storage, DType, string), string> firstOf)
    {
        var view = (tensor.Storage, tensor.DType, $"{tensor.Layout.StorageOffset} {Shapes.Format(tensor.Shape.AsSpan())} {Shapes.Format(tensor.Strides.AsSpan())}");
        return firstOf.TryAdd(view, name) ? null : firstOf[view];
    }
}
