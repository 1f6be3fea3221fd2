using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>Model and state dict meet on the CPU, and the finished model moves.</summary>
internal sealed class CpuThenTo : LoadingStrategy
{
    public override string Name => "cpu-then-to";

    public override string Summary => "model and state dict on the CPU, then moved onto the device";

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.WeightBytes + size.LargestShardBytes, DeviceBytes: size.WeightBytes)
        : new(HostBytes: size.WeightBytes + size.LargestShardBytes);

    // Initialised, read, copied; and moved.
    public override int Passes(Device device) => device.IsAccelerator ? 4 : 3;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Cpu);
        foreach (var shard in load.Shards)
        {
            using var stateDict = load.StateDict(of: shard, to: Device.Cpu);
            model.Copy(stateDict);
        }

        return model.To(load.Device);
    }
}
