using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>One tensor at a time is read, copied into place and freed: from one file each, or from any checkpoint by offset.</summary>
internal sealed class PerTensor : LoadingStrategy
{
    public override string Name => "per-tensor";

    public override string Summary => "one tensor at a time: read, copied, freed";

    internal override int BytesPerTensor => 4096;

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.LargestBytes, DeviceBytes: size.WeightBytes + size.LargestBytes)
        : new(HostBytes: size.WeightBytes + size.LargestBytes);

    // Initialised on the host or moved onto an accelerator, read, copied.
    public override int Passes(Device device) => 3;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: load.Device);
        foreach (var storage in load.Storages)
        {
            using var tensor = load.StateDict(of: storage, to: load.Device);
            model.Copy(tensor);
        }

        return model;
    }
}
