using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Reading;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Strategies;

/// <summary>How a state dict gets at its bytes.</summary>
internal enum Access
{
    /// <summary>By positioned reads, into memory of its own.</summary>
    Read,

    /// <summary>By memory mapping.</summary>
    Mapped,
}

/// <summary>
/// The words in which strategies are written. What they do with memory is <see cref="TargetMemory"/>'s, with files <see cref="WeightInput"/>'s, and between the
/// two <see cref="Transfers"/>'s. Whatever it hands out is freed with it, but for the model of a load that completed.
/// </summary>
internal sealed class LoadContext : IDisposable
{
    private readonly Engine _engine;
    private readonly WeightLayout _layout;
    private readonly long _ringBytes;
    private readonly DeviceMapPlan? _plan;
    private readonly TargetMemory _memory;
    private readonly WeightInput _input;
    private readonly Transfers _transfers;
    private LoadingStrategy _strategy;
    private LoadSizes? _sizes;

    public LoadContext(Checkpoint checkpoint, LoadOptions options, Engine engine, LoadingStrategy strategy)
    {
        checkpoint = options.Select(checkpoint);
        (_engine, _strategy, _ringBytes, Device) = (engine, strategy, options.RingBytes, options.Device);
        engine.Start(options.Devices);
        // A GPU's context takes memory, too, and is there now.
        var room = CapRoom.Here();
        if (strategy.NeedsMap) _plan = MapPlanner.Plan(checkpoint, options, engine.RoomOn);
        _layout = options.LayoutOf(checkpoint, _plan?.Map);
        _memory = new TargetMemory(engine);
        _input = new WeightInput(
            engine, checkpoint, _layout.HasConversions, _plan is null ? null : options.DeviceMap ?? new(),
            () => room.AdviceFor(HostBytes(), checkpoint.StorageBytes), () => room.PolicyFor(checkpoint, HostBytes(), options.Reads));
        _transfers = new Transfers(engine, _input, checkpoint.ReadersOf(options.Readers), options.RingBytes);

        long HostBytes() => _strategy.Peak(Sizes, Device).HostBytes + Sizes.ConversionBytes;
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
    public LoadSizes Sizes => _sizes ??= LoadSizes.Of(_layout, _ringBytes) with { Mapped = _plan is null ? null : new(_plan.HostBytes, _plan.AcceleratorBytes) };

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
        return _memory.Initialised(Storages, on);
    }

    /// <summary>All weights, on a device.</summary>
    public StateDict StateDict(Device to, Access access = Access.Read) => access == Access.Read ? StateDict(Storages, to) : Mapped(Storages, to);

    /// <summary>The weights of one storage, on a device.</summary>
    public StateDict StateDict(WeightStorage of, Device to) => StateDict([of], to);

    /// <summary>The weights of one shard, on a device.</summary>
    public StateDict StateDict(IReadOnlyList<WeightStorage> of, Device to)
    {
        var stateDict = Begin();
        if (!to.IsAccelerator) _transfers.IntoPlace(_memory.Targets(stateDict, of, to));
        else foreach (var storage in of) TargetMemory.Bind(stateDict, storage, _transfers.OverHost(to, storage));
        return stateDict;
    }

    /// <summary>The weights that the map puts on a device: read on the host, copied out of the page cache onto an accelerator, left in the file on disk.</summary>
    public StateDict StateDict(Device mappedTo)
    {
        var stateDict = Begin();
        var storages = Storages.Where(s => Map.DeviceOf(s.Tensors[0].Name) == mappedTo).ToList();
        if (mappedTo == Device.Disk) foreach (var storage in storages) TargetMemory.Bind(stateDict, storage, _input.MapOrOffload(storage));
        else if (mappedTo.IsAccelerator) _transfers.FromPageCache(_memory.Targets(stateDict, storages, mappedTo), mappedTo);
        else _transfers.IntoPlace(_memory.Targets(stateDict, storages, mappedTo));
        return stateDict;
    }

    /// <summary>Gives every tensor of a model without memory its memory and its value.</summary>
    public void Stream(Model into)
    {
        into.ToEmpty(Device, _memory.BlocksFor(Storages, Device));
        _engine.Observer.Phase("read");
        var targets = Storages.Select(storage => new Destination(storage, into[storage.Tensors[0].Name].Storage)).ToList();
        if (Device.IsAccelerator) _transfers.ThroughRing(targets, Device);
        else _transfers.IntoPlace(targets);
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
        _memory.HandOver(model);
        if (_plan is not null) model.LoadedBy(_plan);
        return model;
    }

    public void Dispose()
    {
        _memory.Dispose();
        _input.Dispose();
    }

    private StateDict Begin()
    {
        _engine.Observer.Phase("read");
        return _memory.Empty();
    }

    private StateDict Mapped(IReadOnlyList<WeightStorage> storages, Device to)
    {
        var stateDict = Begin();
        if (to.IsAccelerator)
        {
            foreach (var storage in storages) WeightSource.RequireMappable(storage);
            _transfers.FromPageCache(_memory.Targets(stateDict, storages, to), to);
            return stateDict;
        }

        // What is not in the file as it is to be has to be read.
        var read = storages.Where(s => !s.IsAsInFile).ToList();
        foreach (var storage in storages.Where(s => s.IsAsInFile)) TargetMemory.Bind(stateDict, storage, _input.Map(storage));
        if (read.Count > 0) _transfers.IntoPlace(_memory.Targets(stateDict, read, to));
        return stateDict;
    }

    // What stays on disk is addressed as the CPU's memory is.
    private bool IsInPlace(string name, Tensor tensor) => Expected(name) is var expected && expected == Device.Disk
        ? tensor.Device == Device.Cpu && (tensor.IsMapped || tensor.Storage.Bytes == 0)
        : tensor.Device == expected;

    private Device Expected(string name) => _plan?.Map.DeviceOf(name) ?? Device;
}
