using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Strategies;

/// <summary>The ways that bytes take from files to the memory of tensors.</summary>
/// <param name="engine">Who owns the memory.</param>
/// <param name="input">The files.</param>
/// <param name="readers">How many threads read.</param>
/// <param name="ringBytes">The memory through which <see cref="ThroughRing"/> goes.</param>
internal sealed class Transfers(Engine engine, WeightInput input, int readers, long ringBytes)
{
    /// <summary>Several readers straight into memory of the host.</summary>
    public void IntoPlace(IReadOnlyList<Destination> targets) => WeightReads.IntoPlace(input.Reads(), targets, readers);

    /// <summary>Straight out of the page cache onto an accelerator.</summary>
    public void FromPageCache(IReadOnlyList<Destination> targets, Device accelerator)
    {
        if (accelerator.Kind == DeviceKind.Cuda) MappedUploads.Run(input.Reads(), targets, readers);
        else WeightReads.FromPageCache(input.Reads(), targets, readers);
    }

    /// <summary>Through a ring of fixed size onto an accelerator.</summary>
    public void ThroughRing(IReadOnlyList<Destination> targets, Device accelerator)
    {
        var isGpu = accelerator.Kind == DeviceKind.Cuda;
        using var ring = new Ring(engine, ringBytes, isCopiedLater: isGpu);
        using SlotUploads uploads = isGpu ? new CudaUploads(ring, engine.Gpu(accelerator)) : new ImmediateUploads(ring);
        WeightReads.ThroughRing(input.Reads(), targets, ring, uploads, readers);
    }

    /// <summary>As <c>torch.load(map_location=device)</c> does: a storage lands on the CPU first.</summary>
    public Storage OverHost(Device accelerator, WeightStorage layout)
    {
        var onHost = engine.Allocate(Device.Cpu, layout.Bytes);
        onHost.UsedFor("buffer", layout.Tensors[0].Name);
        try
        {
            IntoPlace([new(layout, onHost)]);
            return engine.MoveTo(accelerator, onHost);
        }
        finally
        {
            onHost.Release();
        }
    }
}
