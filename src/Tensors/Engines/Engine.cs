using System.Collections.Concurrent;
using Loadline.Checkpoints;
using Loadline.Cuda;
using Loadline.Tensors.Memory;
using Loadline.Tensors.Torch;

namespace Loadline.Tensors.Engines;

/// <summary>Owns the memory of tensors, and counts it. Strategies are written once for all engines: what differs is who allocates on the host.</summary>
/// <remarks>
/// A simulated accelerator that was written keeps checksums only, so an engine serves one load. Disposed, it lets go of the GPUs that it opened; memory
/// that a model holds there keeps them open.
/// </remarks>
internal abstract class Engine : IDisposable
{
    private const int MovePieceBytes = 64 * (int)ByteSize.MiB;

    private readonly ConcurrentDictionary<Device, MemoryCounter> _accelerators = [];

    /// <summary>One of <see cref="EngineNames"/>.</summary>
    public abstract string Name { get; }

    /// <summary>The name, and where there is more than one of it, its version and where it lies.</summary>
    public virtual string Description => Name;

    /// <summary>Host memory: weights, state dicts, buffers and rings. Mapped pages of files are not in it.</summary>
    public MemoryCounter Host { get; } = new();

    /// <summary>Accelerator memory, of all accelerators together.</summary>
    public MemoryCounter Accelerator { get; } = new();

    /// <summary>The memory of one accelerator.</summary>
    public MemoryCounter CounterOf(Device accelerator) => _accelerators.GetOrAdd(accelerator, _ => new MemoryCounter());

    /// <summary>Is told of phases and of releases; does nothing unless a measurement sets it.</summary>
    internal ILoadObserver Observer { get; set; } = ILoadObserver.None;

    /// <summary>An engine for one load.</summary>
    /// <exception cref="EngineUnavailableException">It needs a library that is not there; the message says what to install.</exception>
    public static Engine Create(string name) => name switch
    {
        EngineNames.Native => new NativeEngine(),
        EngineNames.Libtorch => new TorchEngine(),
        EngineNames.TorchSharp => throw new EngineUnavailableException(
            $"the engine {EngineNames.TorchSharp} loads into modules: call LoadWeights of Loadline.Strategies.TorchSharp, or load under a cap, where its own worker does"),
        _ => throw EngineNames.Unknown(name),
    };

    /// <summary>The GPUs that were opened.</summary>
    internal virtual IReadOnlyList<CudaDevice> Gpus => [];

    /// <summary>A GPU, opened when it is asked for first.</summary>
    /// <exception cref="EngineUnavailableException">There is none, or this engine does not load onto it.</exception>
    /// <exception cref="CudaException">The driver failed.</exception>
    internal virtual CudaDevice Gpu(Device device) =>
        throw new EngineUnavailableException($"{device}: engine {Name} loads onto no GPU: use the engine {EngineNames.Native}, which needs nothing but the driver");

    /// <summary>Opens what a load onto these devices needs, so that it is there before the load is measured.</summary>
    /// <exception cref="EngineUnavailableException">A device is not there, or this engine does not load onto it.</exception>
    /// <exception cref="CudaException">The driver failed.</exception>
    internal void Start(IEnumerable<Device> devices)
    {
        foreach (var device in devices.Where(d => d.Kind == DeviceKind.Cuda)) Gpu(device);
    }

    /// <summary>What an accelerator has room for at this moment; nothing on the host.</summary>
    /// <exception cref="EngineUnavailableException">It is not there.</exception>
    /// <exception cref="CudaException">The driver failed.</exception>
    internal DeviceRoom RoomOn(Device device)
    {
        var capacityBytes = device.CapacityBytes;
        if (device.Kind != DeviceKind.Cuda) return new(capacityBytes, capacityBytes, $"its capacity of {ByteSize.Format(capacityBytes)}");
        var memory = Gpu(device).Memory();
        return new(memory.FreeBytes, memory.TotalBytes, $"{ByteSize.Format(memory.FreeBytes)} free of the GPU's {ByteSize.Format(memory.TotalBytes)}");
    }

    /// <summary>Fails where something could not be given back, which says nothing when it happens.</summary>
    /// <exception cref="CudaException">The first such failure.</exception>
    internal void ThrowIfReleaseFailed()
    {
        foreach (var gpu in Gpus) gpu.ThrowIfReleaseFailed();
    }

    /// <summary>What several storages are allocated from that are taken together and stay together; null where that makes no difference.</summary>
    internal CudaBlocks? BlocksOn(Device device) => device.Kind == DeviceKind.Cuda ? new CudaBlocks(Gpu(device)) : null;

    /// <summary>Memory whose contents are not yet defined.</summary>
    /// <param name="device">Where.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="blocks">Of <see cref="BlocksOn"/>: a GPU's driver is asked for it when its first bytes come, together with others.</param>
    /// <exception cref="DeviceOutOfMemoryException">The device has not that much left.</exception>
    internal Storage Allocate(Device device, long bytes, CudaBlocks? blocks = null)
    {
        if (device.Kind == DeviceKind.Meta) return new MetaStorage(bytes);
        var storage = device.Kind switch
        {
            DeviceKind.Sim => AllocateOnSim(device, bytes),
            DeviceKind.Cuda => new CudaStorage(this, device, bytes, blocks?.For(bytes)),
            _ => AllocateOnHost(bytes),
        };
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

    /// <summary>A library's own tensor on a storage, for an engine whose tensors are a library's.</summary>
    /// <param name="layout">The view: dtype, sizes, strides and the offset in elements.</param>
    /// <param name="storage">What it views. Whoever holds the result holds a reference on it, and releases that last.</param>
    /// <returns>Null where there is none: of the native engine, and on a simulated accelerator.</returns>
    internal virtual TensorHandle? View(TensorEntry layout, Storage storage) => null;

    /// <summary>Lets go of the GPUs.</summary>
    public virtual void Dispose()
    {
    }

    private protected abstract Storage AllocateOnHost(long bytes);

    private protected virtual Storage AllocateOnSim(Device device, long bytes) => new SimStorage(this, device, bytes);
}
