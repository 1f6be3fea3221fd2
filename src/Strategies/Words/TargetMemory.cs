using System.Runtime.InteropServices;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Strategies;

/// <summary>
/// The memory that a load takes for tensors, and the models and state dicts that hold it. All of it is freed with this, but for the model that is handed over.
/// </summary>
internal sealed class TargetMemory(Engine engine) : IDisposable
{
    private readonly List<NamedTensors> _handedOut = [];

    /// <summary>A model whose parameters have memory, and no values.</summary>
    public Model Initialised(IReadOnlyList<WeightStorage> storages, Device on)
    {
        var model = Track(new Model(engine));
        foreach (var storage in storages)
        {
            engine.Observer.Touches(storage.Tensors[0].Name);
            Initialise(Bind(model, storage, engine.Allocate(on, storage.Bytes)));
        }

        return model;
    }

    /// <summary>A state dict with nothing in it.</summary>
    public StateDict Empty() => Track(new StateDict(engine));

    /// <summary>Takes memory for storages, and puts their tensors into a state dict.</summary>
    public List<Destination> Targets(StateDict stateDict, IReadOnlyList<WeightStorage> storages, Device to)
    {
        var targets = new List<Destination>(storages.Count);
        var blocks = BlocksFor(storages, to);
        foreach (var storage in storages)
        {
            engine.Observer.Touches(storage.Tensors[0].Name);
            targets.Add(new(storage, Bind(stateDict, storage, engine.Allocate(to, storage.Bytes, blocks))));
        }

        return targets;
    }

    /// <summary>Where a GPU has room for all of it: whoever brings the first bytes then asks for the memory, for many tensors at once.</summary>
    /// <returns>Null where there may not be enough: a load then fails before it has read anything; and null where nothing is asked of a driver.</returns>
    public CudaBlocks? BlocksFor(IReadOnlyList<WeightStorage> storages, Device on) =>
        on.Kind == DeviceKind.Cuda && storages.Sum(s => s.Bytes) <= engine.RoomOn(on).Bytes ? engine.BlocksOn(on) : null;

    /// <summary>The tensors that view a storage get it as theirs; the caller's reference goes over to them.</summary>
    public static Storage Bind(NamedTensors tensors, WeightStorage layout, Storage storage)
    {
        try
        {
            foreach (var tensor in layout.Tensors) tensors.Add(tensor.Name, tensor, storage);
            return storage;
        }
        finally
        {
            storage.Release();
        }
    }

    /// <summary>From here on the model is the caller's.</summary>
    public void HandOver(Model model) => _handedOut.Remove(model);

    public void Dispose()
    {
        foreach (var tensors in _handedOut) tensors.Dispose();
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
}
