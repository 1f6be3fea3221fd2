using Loadline.Cuda;

namespace Loadline.Tensors.Engines;

/// <summary>Memory of an accelerator that a load may take, and where that figure comes from.</summary>
/// <param name="Bytes">How much.</param>
/// <param name="TotalBytes">All that the device has.</param>
/// <param name="Why">For people: "78.6 GiB free of the GPU's 79.1 GiB".</param>
public sealed record DeviceRoom(long Bytes, long TotalBytes, string Why)
{
    /// <summary>
    /// What there is at this moment: a simulated accelerator's capacity, and of a GPU what its driver says is free, with a context open, as a load has one.
    /// Nothing on the host.
    /// </summary>
    /// <exception cref="EngineUnavailableException">There is no such GPU.</exception>
    /// <exception cref="CudaException">The driver failed.</exception>
    public static DeviceRoom Here(Device device)
    {
        using var engine = new NativeEngine();
        return engine.RoomOn(device);
    }
}
