using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>A meta model costs the CPU nothing; it gets empty memory on the device, and the state dict is copied over there.</summary>
internal sealed class MetaSequential : LoadingStrategy
{
    public override string Name => "meta-sequential";

    public override string Summary => "meta model, empty on the device; state dict on the device; copied over";

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.LargestBytes, DeviceBytes: size.WeightBytes + size.LargestShardBytes)
        : new(HostBytes: size.WeightBytes + size.LargestShardBytes);

    // Read and copied; and moved.
    public override int Passes(Device device) => device.IsAccelerator ? 3 : 2;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Meta).ToEmpty(load.Device);
        foreach (var shard in load.Shards)
        {
            using var stateDict = load.StateDict(of: shard, to: load.Device);
            model.Copy(stateDict);
        }

        return model;
    }
}
