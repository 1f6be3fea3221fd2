using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>
/// What a module takes, each storage counted once. It depends on the place: on the host a storage is as large as in the file, on an accelerator each
/// view of it is laid out by itself.
/// </summary>
/// <param name="Host">Bytes on the host.</param>
/// <param name="Accelerator">Bytes on an accelerator.</param>
internal readonly record struct ModuleBytes(long Host, long Accelerator)
{
    public static ModuleBytes operator +(ModuleBytes a, ModuleBytes b) => new(checked(a.Host + b.Host), checked(a.Accelerator + b.Accelerator));

    public long On(Device device) => device.IsAccelerator ? Accelerator : Host;
}
