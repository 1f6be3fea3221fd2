namespace Loadline.Benchmarks;

/// <summary>Who made what is measured.</summary>
internal enum Side
{
    Loadline,
    PyTorch,
    Safetensors,
    Limit,
    TorchSharp,
}
