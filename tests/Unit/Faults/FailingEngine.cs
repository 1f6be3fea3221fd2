using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Unit.Faults;

/// <summary>The native engine, but one allocation is refused as a device refuses that is full.</summary>
/// <param name="failAt">Which one, of the host's and the accelerator's together, counted from 1; 0 for none.</param>
internal sealed class FailingEngine(int failAt = 0) : Engine
{
    public const long FreeBytes = 12345;

    private int _count;

    public override string Name => EngineNames.Native;

    /// <summary>How many there were.</summary>
    public int Count => _count;

    /// <summary>What the refused one asked for, and where.</summary>
    public (Device Device, long Bytes)? Refused { get; private set; }

    private protected override Storage AllocateOnHost(long bytes)
    {
        RefuseIfDue(Device.Cpu, bytes);
        return new AnonymousStorage(this, bytes);
    }

    private protected override Storage AllocateOnSim(Device device, long bytes)
    {
        RefuseIfDue(device, bytes);
        return base.AllocateOnSim(device, bytes);
    }

    private void RefuseIfDue(Device device, long bytes)
    {
        if (Interlocked.Increment(ref _count) != failAt) return;
        Refused = (device, bytes);
        throw new DeviceOutOfMemoryException(device, bytes, FreeBytes, ByteSize.GiB);
    }
}
