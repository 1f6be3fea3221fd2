using Loadline.Cuda;
using Loadline.Tensors.Memory;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Owns the memory of tensors with nothing but the operating system and a GPU's driver: anonymous mappings on the host, the driver's memory on GPUs, a
/// count for simulated accelerators.
/// </summary>
/// <param name="driver">Null for the machine's.</param>
internal sealed class NativeEngine(ICudaDriver? driver = null) : Engine
{
    private readonly Lock _lock = new();
    private readonly List<CudaDevice> _gpus = [];

    /// <inheritdoc/>
    public override string Name => EngineNames.Native;

    /// <summary>The name, and of what GPUs are open what they are: <c>native (cuda:0: NVIDIA H100 80GB HBM3, compute capability 9.0, driver for CUDA 12.6)</c>.</summary>
    public override string Description => _gpus.Count == 0 ? Name : $"{Name} ({string.Join("; ", _gpus.Select(gpu => $"{gpu}: {gpu.Describe()}"))})";

    /// <inheritdoc/>
    internal override IReadOnlyList<CudaDevice> Gpus => _gpus;

    /// <inheritdoc/>
    internal override CudaDevice Gpu(Device device)
    {
        lock (_lock)
        {
            if (_gpus.Find(gpu => gpu.Index == device.Index) is { } open) return open;
            try
            {
                var gpu = CudaDevice.Open(driver ?? LibCuda.Instance, device.Index);
                _gpus.Add(gpu);
                return gpu;
            }
            catch (CudaUnavailableException e)
            {
                throw new EngineUnavailableException(e.Message, e);
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var gpu in _gpus) gpu.Release();
        _gpus.Clear();
    }

    private protected override Storage AllocateOnHost(long bytes) => new AnonymousStorage(this, bytes);
}
