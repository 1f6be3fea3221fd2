using Loadline.Checkpoints;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Computes parameters from a checkpoint's tensors, one after the other: sources are mapped where they can be, else read when they are asked for.</summary>
internal sealed unsafe class SourceTensors : IDisposable
{
    private readonly Checkpoint _checkpoint;
    private readonly ComputedWeights _computing;
    private readonly LoadOptions _load;
    private readonly Engine? _engine;
    private readonly Model? _mapped;
    private readonly bool _staysMapped;
    private readonly List<torch.Tensor> _made = [];

    /// <param name="checkpoint">Where the sources are.</param>
    /// <param name="computing">What is made of them.</param>
    /// <param name="load">How they are read.</param>
    /// <param name="mayMap">Whether the checkpoint can be mapped at all.</param>
    /// <param name="staysMapped">Whether what views a source may keep the file mapped; else it is copied.</param>
    public SourceTensors(Checkpoint checkpoint, ComputedWeights computing, LoadOptions load, bool mayMap, bool staysMapped)
    {
        (_checkpoint, _computing, _load, _staysMapped) = (checkpoint, computing, load with { DType = null, Engine = EngineNames.Libtorch }, staysMapped);
        if (computing.Planned.Count == 0) return;
        _engine = Engine.Create(_load.Engine);
        var sources = computing.Planned.SelectMany(p => p.Sources).Where(e => mayMap && e.Storage.IsMappable && e.ByteCount > 0).Distinct().ToList();
        if (sources.Count > 0) _mapped = Load("mmap-assign", sources);
    }

    /// <summary>Computes one.</summary>
    /// <param name="planned">What.</param>
    /// <param name="dtype">The element type that it is to have, from the one that it was made with.</param>
    /// <param name="device">Where it is to be.</param>
    public Incoming Compute(PlannedWeight planned, Func<torch.ScalarType, torch.ScalarType> dtype, torch.Device device)
    {
        using var scope = torch.NewDisposeScope();
        var made = _computing.Run(planned.Slot, planned.Name, Source)
            ?? throw new InvalidOperationException($"Compute made '{planned.Name}' of tensors without values, and nothing of those with values: it must do the same each time");
        if (made.device_type == DeviceType.META) throw new InvalidOperationException($"Compute made '{planned.Name}' on the meta device");
        var value = made.to(dtype(made.dtype)).to(device);
        var mapping = value.device_type == DeviceType.CPU ? MappingOf(value) : null;
        if (mapping is not null && !_staysMapped) (value, mapping) = (value.clone(), null);
        // A part of a larger tensor would keep all of it; a broadcast one is no weight to train.
        else if (mapping is null && value.device_type == DeviceType.CPU && Handover.StorageBytes(value) != value.numel() * value.element_size())
        {
            value = value.contiguous().clone();
        }

        var taken = value.detach().DetachFromDisposeScope();
        if (mapping is not null) MappingLease.Give(taken, mapping);
        _made.Add(taken);
        return new Incoming(planned.Slot, taken.dtype, mapping, use => use(taken));
    }

    public void Dispose()
    {
        foreach (var tensor in _made) tensor.Dispose();
        _mapped?.Dispose();
        _engine?.Dispose();
    }

    private torch.Tensor Source(TensorEntry entry)
    {
        if (_mapped is not null && _mapped.TryGetValue(entry.Name, out var mapped)) return mapped.ToTorchSharp();
        using var read = Load("streamed", [entry]);
        return read[entry.Name].ToTorchSharp();
    }

    private Model Load(string strategy, IReadOnlyList<TensorEntry> entries)
    {
        var spec = new ModelSpec("Compute", [.. entries.Select(e => new ParameterSpec(e.Name, null, e.Shape))]) { AllowsOthers = true };
        return Loader.Load(_checkpoint, _load with { Strategy = strategy, Model = spec }, _engine!);
    }

    private FileMapping? MappingOf(torch.Tensor tensor)
    {
        var address = Handover.Address(tensor);
        foreach (var loaded in _mapped?.Values ?? [])
        {
            if (loaded.Storage is not MappedStorage { Mapping: var mapping }) continue;
            if (address >= (nint)mapping.Pointer && address < (nint)mapping.Pointer + (nint)mapping.Bytes) return mapping;
        }

        return null;
    }
}
