using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>The first thing everybody writes: a model on the CPU, moved; the whole state dict onto the device; copied over.</summary>
internal sealed class Eager : LoadingStrategy
{
    public override string Name => "eager";

    public override string Summary => "model on the CPU, moved; whole state dict onto the device; copied over";

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.WeightBytes, DeviceBytes: size.WeightBytes + size.LargestShardBytes)
        : new(HostBytes: size.WeightBytes + size.LargestShardBytes);

    // Initialised, read, copied; on an accelerator model and state dict are moved, too.
    public override int Passes(Device device) => device.IsAccelerator ? 5 : 3;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Cpu).To(load.Device);
        foreach (var shard in load.Shards)
        {
            using var stateDict = load.StateDict(of: shard, to: load.Device);
            model.Copy(stateDict);
        }

        return model;
    }
}
