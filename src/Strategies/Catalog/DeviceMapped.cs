using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>A meta model takes over the weights of each device of a map in turn: every tensor goes once from the file to its place.</summary>
internal sealed class DeviceMapped : LoadingStrategy
{
    public override string Name => "device-map";

    public override string Summary => "placed over accelerators, CPU and disk by a map with limits";

    internal override bool NeedsMap => true;

    internal override int BytesPerTensor => 9216;

    public override PeakMemory Peak(LoadSizes size, Device device) =>
        size.Mapped ?? (device.IsAccelerator ? new(HostBytes: 0, DeviceBytes: size.WeightBytes) : new(HostBytes: size.WeightBytes));

    // Read into place, or from the page cache straight onto an accelerator; what stays mapped is not even read.
    public override int Passes(Device device) => 1;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Meta);
        foreach (var device in load.Map.Devices)
        {
            using var weights = load.StateDict(mappedTo: device);
            model.Assign(weights);
        }

        return model;
    }
}
