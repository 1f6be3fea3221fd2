using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Writes a module's weights.</summary>
internal static class ModuleSaving
{
    private const long PieceBytes = 4 * ByteSize.MiB;

    public static void Save(torch.nn.Module module, string path, CheckpointFormat format, IReadOnlyDictionary<string, string>? metadata, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(module);
        NativeModules.RefuseScripted(module);
        using var noGrad = torch.no_grad();
        var slots = Slot.Of(module);
        var (declared, written) = (new List<TensorDeclaration>(), new List<torch.Tensor>());
        var firstOf = new Dictionary<(nint, torch.ScalarType, string), string>();
        foreach (var slot in slots)
        {
            foreach (var name in slot.Names)
            {
                var tie = format == CheckpointFormat.Pth ? TieOf(slot.Tensor, name, firstOf) : null;
                declared.Add(new TensorDeclaration(name, TypeOf(slot.Tensor, path, name), [.. slot.Tensor.shape], tie));
                if (tie is null) written.Add(slot.Tensor);
            }
        }

        using var writer = CheckpointWriter.Create(path, format, declared, CheckpointWriter.MetadataWith(metadata));
        foreach (var tensor in written) Write(tensor, writer, cancellation);
        writer.Commit();
    }

    private static DType TypeOf(torch.Tensor tensor, string path, string name)
    {
        if (tensor.device_type == DeviceType.META) throw new InvalidOperationException($"'{name}' is on the meta device and has no values to save: load it first");
        return ScalarTypes.Of(tensor.dtype) ?? throw new CheckpointException(CheckpointError.Unsupported, path, $"is {tensor.dtype}, which no checkpoint holds", name);
    }

    // One parameter under several names, and two that view the same memory.
    private static string? TieOf(torch.Tensor tensor, string name, Dictionary<(nint, torch.ScalarType, string), string> firstOf)
    {
        if (tensor.numel() == 0) return null;
        // What is conjugated or negated lazily has the other's memory, and other values.
        var view = (Handover.Address(tensor), tensor.dtype, $"{Shapes.Format(tensor.shape)}{Shapes.Format(tensor.stride())}{tensor.is_conj()}{tensor.is_neg()}");
        return firstOf.TryAdd(view, name) ? null : firstOf[view];
    }

    // In row-major order, in pieces that are copied where they lie elsewhere or with gaps.
    private static unsafe void Write(torch.Tensor tensor, CheckpointWriter writer, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var scope = torch.NewDisposeScope();
        var bytes = tensor.numel() * tensor.element_size();
        if (bytes == 0) return;
        if (bytes <= PieceBytes || tensor.dim() == 0)
        {
            var piece = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous();
            writer.Write(new ReadOnlySpan<byte>((void*)Handover.Address(piece), checked((int)bytes)));
            GC.KeepAlive(piece);
        }
        else if (tensor.shape[0] == 1)
        {
            Write(tensor.detach().select(0, 0), writer, cancellation);
        }
        else
        {
            var rows = tensor.shape[0];
            Write(tensor.detach().narrow(0, 0, rows / 2), writer, cancellation);
            Write(tensor.detach().narrow(0, rows / 2, rows - rows / 2), writer, cancellation);
        }
    }
}
