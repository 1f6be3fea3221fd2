using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>A meta model takes over the tensors of a memory-mapped state dict.</summary>
internal sealed class MmapAssign : LoadingStrategy
{
    public override string Name => "mmap-assign";

    public override string Summary => "meta model; memory-mapped state dict; assigned";

    public override bool NeedsMapping => true;

    internal override int BytesPerTensor => 1536;

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: 0, DeviceBytes: size.WeightBytes)
        : new(HostBytes: size.UnmappedBytes);

    // Nothing but addresses on the host, where pages are read when they are used, and what gets another dtype; from the page cache straight onto an accelerator.
    public override int Passes(Device device) => device.IsAccelerator ? 1 : 0;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Meta);
        using var stateDict = load.StateDict(to: load.Device, Access.Mapped);
        model.Assign(stateDict);
        return model;
    }
}
