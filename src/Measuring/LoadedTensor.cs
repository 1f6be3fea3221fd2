using Loadline.Checkpoints;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Measuring;

/// <summary>A tensor after a load, to be read back.</summary>
/// <param name="Layout">How it lies in <paramref name="Readable"/>.</param>
/// <param name="Readable">Its bytes; null on a simulated accelerator.</param>
/// <param name="Simulated">What a simulated accelerator keeps of it; null elsewhere.</param>
internal readonly record struct LoadedTensor(TensorEntry Layout, IReadableStorage? Readable, SimStorage? Simulated)
{
    /// <summary>A tensor of a model's.</summary>
    public static LoadedTensor Of(Tensor tensor) => new(tensor.Layout, tensor.Storage as IReadableStorage, tensor.Storage as SimStorage);
}
