using Loadline.Tensors.Memory;
using TorchSharp;

namespace Loadline.Worker.TorchSharp;

/// <summary>The bytes of a module's tensor as TorchSharp gives them, in row-major order, wherever it is.</summary>
internal sealed class ModuleBytes(torch.Tensor tensor) : IReadableStorage
{
    public void Read(long offset, Span<byte> destination)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var elements = tensor.reshape(-1).narrow(0, offset / tensor.ElementSize, destination.Length / tensor.ElementSize);
        elements.cpu().contiguous().bytes.CopyTo(destination);
    }
}
