using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>A tensor that a parameter or buffer is about to take over.</summary>
/// <param name="Slot">What takes it.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Mapping">The file's mapping whose pages it views; null where its memory is libtorch's.</param>
/// <param name="Lend">Lets a function use it, which may neither keep nor dispose it.</param>
internal sealed record Incoming(Slot Slot, torch.ScalarType DType, FileMapping? Mapping, Func<Func<torch.Tensor, torch.Tensor>, torch.Tensor> Lend);
