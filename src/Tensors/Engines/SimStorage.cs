using Loadline.Tensors.Memory;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Memory of a simulated accelerator: it takes its bytes from the device's capacity, and of what is written keeps checksums only. So a machine
/// without an accelerator shows an accelerator's behaviour under a cap, and can still tell right weights from wrong.
/// </summary>
internal sealed class SimStorage : Storage
{
    private readonly Engine _engine;

    public SimStorage(Engine engine, Device device, long bytes)
        : base(device, bytes)
    {
        // Eight bytes for each MiB, and a tensor may declare a thousand TiB: the device is asked first.
        var counter = engine.CounterOf(device);
        if (!counter.TryAdd(bytes, device.CapacityBytes, out var freeBytes)) throw new DeviceOutOfMemoryException(device, bytes, freeBytes);
        try
        {
            Checksums = new BlockChecksums(bytes);
        }
        catch
        {
            counter.Subtract(bytes);
            throw;
        }

        engine.Accelerator.Add(bytes);
        _engine = engine;
    }

    public override bool IsFilled => Checksums.IsComplete;

    /// <summary>What is left of the contents.</summary>
    public BlockChecksums Checksums { get; }

    public override void Write(long offset, ReadOnlySpan<byte> source) => Checksums.Add(offset, source);

    public override void CopyFrom(Storage source)
    {
        if (source.Bytes != Bytes) throw new ArgumentException($"storages differ in length: {source.Bytes} bytes into {Bytes}", nameof(source));
        Checksums.CopyFrom(((SimStorage)source).Checksums);
    }

    protected override void Free()
    {
        _engine.Observer.BeforeRelease(this);
        _engine.Accelerator.Subtract(Bytes);
        _engine.CounterOf(Device).Subtract(Bytes);
    }
}
