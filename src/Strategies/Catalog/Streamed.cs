using Loadline.Tensors;

namespace Loadline.Strategies.Catalog;

/// <summary>Several readers put bytes straight into place; onto an accelerator they go through a ring of fixed size, whatever the model's.</summary>
internal sealed class Streamed : LoadingStrategy
{
    public override string Name => "streamed";

    public override string Summary => "several readers straight into place; onto an accelerator through a ring";

    public override PeakMemory Peak(LoadSizes size, Device device) => device.IsAccelerator
        ? new(HostBytes: size.RingBytes, DeviceBytes: size.WeightBytes)
        : new(HostBytes: size.WeightBytes);

    // Read into place. The ring stays in the processor's cache, so that what goes through it is not counted twice.
    public override int Passes(Device device) => 1;

    internal override Model Load(LoadContext load)
    {
        var model = load.Skeleton(on: Device.Meta);
        load.Stream(into: model);
        return model;
    }
}
