using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Documentation;

/// <summary>The state dict waits on the CPU for a model that is made empty on the device.</summary>
internal sealed class StateDictFirst : LoadingStrategy
{
    public override string Name => "state-dict-first";

    public override string Summary => "state dict on the CPU; meta model, empty on the device; copied over";

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.WeightBytes, DeviceBytes: 2 * size.WeightBytes)
        : new(HostBytes: 2 * size.WeightBytes);

    // Read, copied; on an accelerator moved, too.
    public override int Passes(Device device) => device.IsAccelerator ? 3 : 2;

    internal override Model Load(LoadContext load)
    {
        using var stateDict = load.StateDict(to: Device.Cpu);
        var model = load.Skeleton(on: Device.Meta).ToEmpty(load.Device);
        using var onDevice = stateDict.To(load.Device);
        model.Copy(onDevice);
        return model;
    }
}
