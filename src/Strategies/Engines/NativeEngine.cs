using System.Collections.Concurrent;
using Loadline.Checkpoints;
using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Engines;

/// <summary>Owns the memory of tensors with nothing but the operating system: anonymous mappings on the host, a count for simulated accelerators.</summary>
/// <remarks>A simulated accelerator that was written keeps checksums only, so an engine serves one load.</remarks>
internal sealed class NativeEngine
{
    private const int MovePieceBytes = 64 * (int)ByteSize.MiB;

    private readonly ConcurrentDictionary<Device, MemoryCounter> _accelerators = [];

    /// <summary>Host memory: weights, state dicts, buffers and rings. Mapped pages of files are not in it.</summary>
    public MemoryCounter Host { get; } = new();

    /// <summary>Accelerator memory, of all accelerators together.</summary>
    public MemoryCounter Accelerator { get; } = new();

    /// <summary>The memory of one accelerator.</summary>
    public MemoryCounter CounterOf(Device accelerator) => _accelerators.GetOrAdd(accelerator, _ => new MemoryCounter());

    /// <summary>Is told of phases and of releases; does nothing unless a measurement sets it.</summary>
    internal ILoadObserver Observer { get; set; } = ILoadObserver.None;

    /// <summary>Memory whose contents are not yet defined.</summary>
    /// <exception cref="DeviceOutOfMemoryException">The device has not that much left.</exception>
    internal Storage Allocate(Device device, long bytes)
    {
        if (device.Kind == DeviceKind.Meta) return new MetaStorage(bytes);
        Storage storage = device.IsAccelerator ? new SimStorage(this, device, bytes) : new AnonymousStorage(this, bytes);
        Observer.Allocated(storage);
        return storage;
    }

    /// <summary>The same bytes on a device: the storage itself where it is there already, else a copy. The caller owns one reference.</summary>
    internal Storage MoveTo(Device device, Storage source)
    {
        if (source.Device == device) return source.Share();
        var target = Allocate(device, source.Bytes);
        target.UsedFor(source.Use, source.TensorName);
        try
        {
            var host = (HostStorage)source;
            for (long offset = 0; offset < host.Bytes; offset += MovePieceBytes)
            {
                target.Write(offset, host.Slice(offset, (int)Math.Min(MovePieceBytes, host.Bytes - offset)));
            }

            return target;
        }
        catch
        {
            target.Release();
            throw;
        }
    }
}
