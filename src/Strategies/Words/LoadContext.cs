using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Reading;
using Loadline.Strategies.Catalog;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;
using Loadline.Tensors.Memory;

namespace Loadline.Strategies;

/// <summary>How a state dict gets at its bytes.</summary>
internal enum Access
{
    /// <summary>By positioned reads, into memory of its own.</summary>
    Read,

    /// <summary>By memory mapping.</summary>
    Mapped,
}

/// <summary>The words in which strategies are written. Whatever it hands out is freed with it, but for the model of a load that completed.</summary>
internal sealed class LoadContext : IDisposable
{
    private readonly Engine _engine;
    private readonly Checkpoint _checkpoint;
    private readonly WeightSource _source;
    private readonly int _readers;
    private readonly long _ringBytes;
    private readonly ReadMode _readMode;
    private readonly WeightLayout _layout;
    private readonly DeviceMapPlan? _plan;
    private readonly OffloadFolder? _offload;
    private readonly List<NamedTensors> _handedOut = [];
    private readonly CapRoom _room;
    private LoadingStrategy _strategy;
    private bool _hasPolicy;

    public LoadContext(Checkpoint checkpoint, LoadOptions options, Engine engine)
    {
        checkpoint = options.Select(checkpoint);
        (_engine, _readers, _ringBytes, _readMode) = (engine, options.Readers, options.RingBytes, options.Reads);
        Device = options.Device;
        engine.Start(options.Devices);
        // A GPU's context takes memory, too, and is there now.
        _room = CapRoom.Here();
        _strategy = StrategyCatalog.Find(options.Strategy);
        if (_strategy is DeviceMapped) _plan = MapPlanner.Plan(checkpoint, options, engine.RoomOn);
        _layout = options.LayoutOf(checkpoint, _plan?.Map);
        _checkpoint = checkpoint;
        _source = new WeightSource(checkpoint, _layout.HasConversions ? new ConvertedReads(engine) : null);
        if (_plan is not null) _offload = new OffloadFolder(_source, options.DeviceMap?.OffloadFolder);
    }

    /// <summary>Where the weights go.</summary>
    public Device Device { get; }

    /// <summary>Which tensor goes where, for the strategy that goes by one.</summary>
    public DeviceMap Map => _plan?.Map ?? throw new InvalidOperationException("only device-map has a map");

    /// <summary>What a process with this engine takes beside the weights.</summary>
    public WorkerMemory Worker => WorkerMemory.Of(_engine.Name);

    /// <summary>What the target has room for at this moment; nothing where that is the host.</summary>
    public DeviceRoom DeviceRoom => _engine.RoomOn(Device);

    /// <summary>What a strategy's peak is computed from.</summary>
    public LoadSizes Sizes => LoadSizes.Of(_layout, _ringBytes) with { Mapped = _plan is null ? null : new(_plan.HostBytes, _plan.AcceleratorBytes) };

    /// <summary>The weights, one storage at a time: tensors that share memory come together.</summary>
    public IReadOnlyList<WeightStorage> Storages => _layout.Storages;

    /// <summary>The weights, one shard at a time; all together where the checkpoint has no shards.</summary>
    public IReadOnlyList<IReadOnlyList<WeightStorage>> Shards => _layout.Shards;

    /// <summary>Tells whoever watches which strategy it is that loads in fact.</summary>
    public void Chose(LoadingStrategy strategy)
    {
        _strategy = strategy;
        _engine.Observer.Chose(strategy.Name);
    }

    /// <summary>The model before it has weights. On the CPU it is initialised, and so really takes its memory, as a module's constructor does.</summary>
    public Model Skeleton(Device on)
    {
        _engine.Observer.Phase("skeleton");
        var model = Track(new Model(_engine));
        foreach (var storage in Storages) Initialise(Bind(model, storage, _engine.Allocate(on, storage.Bytes)));
        return model;
    }

    /// <summary>All weights, on a device.</summary>
    public StateDict StateDict(Device to, Access access = Access.Read) => StateDict(Storages, to, access);

    /// <summary>The weights of one shard, on a device.</summary>
    public StateDict StateDict(IReadOnlyList<WeightStorage> of, Device to) => StateDict(of, to, Access.Read);

    /// <summary>The weights of one storage, on a device.</summary>
    public StateDict StateDict(WeightStorage of, Device to) => StateDict([of], to, Access.Read);

    /// <summary>The weights that the map puts on a device: read on the host, copied out of the page cache onto an accelerator, left in the file on disk.</summary>
    public StateDict StateDict(Device mappedTo)
    {
        _engine.Observer.Phase("read");
        var stateDict = Track(new StateDict(_engine));
        var storages = Storages.Where(s => Map.DeviceOf(s.Tensors[0].Name) == mappedTo).ToList();
        if (mappedTo == Device.Disk)
        {
            foreach (var storage in storages) Bind(stateDict, storage, MapOrOffload(storage));
        }
        else if (mappedTo.IsAccelerator) CopyMapped(Targets(stateDict, storages, mappedTo), mappedTo);
        else WeightReads.IntoPlace(Reads(), Targets(stateDict, storages, mappedTo), _readers);
        return stateDict;
    }

    /// <summary>Gives every tensor of a model without memory its memory and its value.</summary>
    public void Stream(Model into)
    {
        into.ToEmpty(Device, MayTakeLater(Storages, Device));
        _engine.Observer.Phase("read");
        var targets = new List<Destination>(Storages.Count);
        foreach (var storage in Storages) targets.Add(new(storage, into[storage.Tensors[0].Name].Storage));
        if (!Device.IsAccelerator)
        {
            WeightReads.IntoPlace(Reads(), targets, _readers);
            return;
        }

        var isGpu = Device.Kind == DeviceKind.Cuda;
        using var ring = new Ring(_engine, _ringBytes, isCopiedLater: isGpu);
        using SlotUploads uploads = isGpu ? new CudaUploads(ring, _engine.Gpu(Device)) : new ImmediateUploads(ring);
        WeightReads.ThroughRing(Reads(), targets, ring, uploads, _readers);
    }

    /// <summary>Hands the model over to the caller, if every weight is in place.</summary>
    public Model Complete(Model model)
    {
        // A strategy that forgets a tensor is found here, not by whoever wonders about the model's answers.
        foreach (var (name, tensor) in model)
        {
            if (!IsInPlace(name, tensor)) throw new InvalidOperationException($"tensor '{name}' was left on {tensor.Device} instead of {Expected(name)}");
            if (!tensor.Storage.IsFilled) throw new InvalidOperationException($"tensor '{name}' was not filled");
        }

        _engine.ThrowIfReleaseFailed();
        _handedOut.Remove(model);
        if (_plan is not null) model.LoadedBy(_plan);
        return model;
    }

    public void Dispose()
    {
        foreach (var tensors in _handedOut) tensors.Dispose();
        _source.Dispose();
        _offload?.Dispose();
    }

    // Whoever only maps weights reads none, and never needs to know.
    private WeightSource Reads()
    {
        if (!_hasPolicy) _checkpoint.ReadPolicy = _room.PolicyFor(_checkpoint, _strategy.Peak(Sizes, Device).HostBytes + Sizes.ConversionBytes, _readMode);
        _hasPolicy = true;
        return _source;
    }

    private static Storage Bind(NamedTensors tensors, WeightStorage layout, Storage storage)
    {
        try
        {
            foreach (var tensor in layout.Tensors) tensors.Set(tensor.Name, tensor, storage);
            return storage;
        }
        finally
        {
            storage.Release();
        }
    }

    private static unsafe void Initialise(Storage storage)
    {
        // All bits set is NaN in every floating-point dtype: a parameter that no weight reached cannot pass for one that learned something.
        if (storage is HostStorage host) NativeMemory.Fill(host.Pointer, (nuint)host.Bytes, 0xFF);
    }

    private T Track<T>(T tensors)
        where T : NamedTensors
    {
        _handedOut.Add(tensors);
        return tensors;
    }

    private StateDict StateDict(IReadOnlyList<WeightStorage> storages, Device to, Access access)
    {
        _engine.Observer.Phase("read");
        var stateDict = Track(new StateDict(_engine));
        if (access == Access.Mapped && !to.IsAccelerator)
        {
            // What is not in the file as it is to be has to be read.
            var read = storages.Where(s => !s.IsAsInFile).ToList();
            foreach (var storage in storages.Where(s => s.IsAsInFile)) Bind(stateDict, storage, MapFromFile(storage));
            if (read.Count > 0) WeightReads.IntoPlace(Reads(), Targets(stateDict, read, to), _readers);
        }
        else if (access == Access.Mapped)
        {
            foreach (var storage in storages) WeightSource.RequireMappable(storage);
            CopyMapped(Targets(stateDict, storages, to), to);
        }
        else if (!to.IsAccelerator)
        {
            WeightReads.IntoPlace(Reads(), Targets(stateDict, storages, to), _readers);
        }
        else
        {
            foreach (var storage in storages) Bind(stateDict, storage, ReadOnto(to, storage));
        }

        return stateDict;
    }

    // Straight out of the page cache.
    private void CopyMapped(List<Destination> targets, Device accelerator)
    {
        if (accelerator.Kind == DeviceKind.Cuda) MappedUploads.Run(Reads(), targets, _readers);
        else WeightReads.FromPageCache(Reads(), targets, _readers);
    }

    private List<Destination> Targets(StateDict stateDict, IReadOnlyList<WeightStorage> storages, Device to)
    {
        var targets = new List<Destination>(storages.Count);
        var isTakenLater = MayTakeLater(storages, to);
        foreach (var storage in storages) targets.Add(new(storage, Bind(stateDict, storage, _engine.Allocate(to, storage.Bytes, isTakenLater))));
        return targets;
    }

    // A GPU's driver takes its time for memory: whoever brings the first bytes asks for it, beside the others' reads. Where there may not be enough of
    // it, a load fails before it has read anything.
    private bool MayTakeLater(IReadOnlyList<WeightStorage> storages, Device on) =>
        on.Kind == DeviceKind.Cuda && storages.Sum(s => s.Bytes) <= _engine.RoomOn(on).Bytes;

    // An empty file range cannot be mapped, and needs no memory either.
    private Storage MapFromFile(WeightStorage storage) => storage.Bytes == 0 ? _engine.Allocate(Device.Cpu, 0) : _source.Map(storage);

    private Storage MapOrOffload(WeightStorage storage) => storage.Bytes == 0 || storage.IsInFile ? MapFromFile(storage) : _offload!.Map(storage);

    // What stays on disk is addressed as the CPU's memory is.
    private bool IsInPlace(string name, Tensor tensor) => Expected(name) is var expected && expected == Device.Disk
        ? tensor.Device == Device.Cpu && (tensor.IsMapped || tensor.Storage.Bytes == 0)
        : tensor.Device == expected;

    private Device Expected(string name) => _plan?.Map.DeviceOf(name) ?? Device;

    // As torch.load(map_location=device) does: every storage lands on the CPU first.
    private Storage ReadOnto(Device accelerator, WeightStorage layout)
    {
        var onHost = _engine.Allocate(Device.Cpu, layout.Bytes);
        onHost.UsedFor("buffer", layout.Tensors[0].Name);
        try
        {
            WeightReads.IntoPlace(Reads(), [new(layout, onHost)], _readers);
            return _engine.MoveTo(accelerator, onHost);
        }
        finally
        {
            onHost.Release();
        }
    }
}
