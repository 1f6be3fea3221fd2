using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>A meta model takes over the tensors of a state dict that was read onto the device: Transformers' <c>low_cpu_mem_usage</c>.</summary>
internal sealed class MetaAssign : LoadingStrategy
{
    public override string Name => "meta-assign";

    public override string Summary => "meta model; state dict read onto the device; assigned";

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.LargestBytes, DeviceBytes: size.WeightBytes)
        : new(HostBytes: size.WeightBytes);

    // Read; and moved.
    public override int Passes(Device device) => device.IsAccelerator ? 2 : 1;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Meta);
        using var stateDict = load.StateDict(to: load.Device);
        model.Assign(stateDict);
        return model;
    }
}
