using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>The model is on the device, the state dict stays on the CPU, and parameters go over one at a time.</summary>
internal sealed class Sequential : LoadingStrategy
{
    public override string Name => "sequential";

    public override string Summary => "model on the device, state dict on the CPU, copied one parameter at a time";

    internal override int BytesPerTensor => 4096;

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.WeightBytes, DeviceBytes: size.WeightBytes + size.LargestBytes)
        : new(HostBytes: size.WeightBytes + size.LargestShardBytes);

    // Initialised, read, copied; on an accelerator model and parameters are moved, too.
    public override int Passes(Device device) => device.IsAccelerator ? 5 : 3;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Cpu).To(load.Device);
        foreach (var shard in load.Shards)
        {
            using var stateDict = load.StateDict(of: shard, to: Device.Cpu);
            foreach (var parameter in stateDict.Split())
            {
                using var onDevice = parameter.To(load.Device);
                model.Copy(onDevice);
            }
        }

        return model;
    }
}
