using System.Diagnostics;
using Loadline.Checkpoints;
using Loadline.Strategies.Words;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>One load into a module: match, read, compute, and only then change anything.</summary>
internal sealed class ModuleLoading
{
    private readonly torch.nn.Module _module;
    private readonly ModuleLoadOptions _options;
    private readonly LoadOptions _load;
    private readonly ModuleDevices _devices;

    public ModuleLoading(torch.nn.Module module, string strategy, torch.Device? device, ModuleLoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(module);
        NativeModules.RefuseScripted(module);
        if (options is { DType: not null, KeepDType: true }) throw new ArgumentException("DType and KeepDType say two things about the same: choose one");
        if (options.Own && StrategyCatalog.Find(strategy).NeedsMapping) throw new ArgumentException($"{strategy} maps the file, and the weights are to be in memory of their own: use streamed");
        // Of those that the planner chooses from, the one that owns and takes least.
        if (options.Own && strategy == "auto") strategy = "streamed";
        (_module, _options) = (module, options);
        _devices = new ModuleDevices(device, options.DeviceMap);
        _load = new LoadOptions { Strategy = strategy, Engine = EngineNames.Libtorch, Readers = options.Readers }.Validated();
    }

    /// <summary>Loads with an engine and options of the caller's, who keeps the tensors that the strategy loaded.</summary>
    public ModuleLoading(torch.nn.Module module, LoadOptions load, torch.Device device, ModuleLoadOptions options) =>
        (_module, _options, _load, _devices) = (module, options, load, new ModuleDevices(device, null));

    /// <summary>Opens a checkpoint and loads it.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="reads">How it is read.</param>
    /// <param name="mayMap">Whether it can be mapped.</param>
    public ModuleLoad From(string path, ObservedReads reads, bool mayMap)
    {
        var clock = Stopwatch.StartNew();
        using var opened = Checkpoint.Open(path, reads);
        // The module has loaded TorchSharp's libtorch: the engine takes the one that is there.
        using var engine = Engine.Create(_load.Engine);
        var choice = new ChoiceObserver(_load.Strategy);
        engine.Observer = choice;
        try
        {
            var (model, load) = From(opened.Select(_options.Names, _module.state_dict().Keys), engine, reads, mayMap);
            model.Dispose();
            return load with { Strategy = choice.Strategy, Seconds = clock.Elapsed.TotalSeconds };
        }
        catch (OperationCanceledException)
        {
            reads.ThrowIfTellingFailed();
            throw;
        }
    }

    /// <summary>Loads an open checkpoint.</summary>
    /// <returns>The tensors that the strategy loaded, and what the load did.</returns>
    public (Model Model, ModuleLoad Load) From(Checkpoint checkpoint, Engine engine, ObservedReads? reads = null, bool mayMap = true)
    {
        RequireLife(_module);
        using var noGrad = torch.no_grad();
        _devices.RequireNames(_module);
        _devices.RequireGpus();
        HiddenBuffers.RequireValues(_module);
        NativeModules.Restore(_module);
        var rules = new NameRules(_options);
        var computing = new ComputedWeights(checkpoint.Path, rules.Apply(checkpoint), _options.Compute);
        var match = ModuleMatch.Of(_module, checkpoint, rules, computing);
        if (_options.Strict) match.RequireAll(checkpoint, _module);
        var dtypes = new KeptDTypes(_options, checkpoint);
        var load = _load with { Model = match.Spec(_module), DType = dtypes.Of(match.Found) ?? _load.DType };
        reads?.Begin([.. match.Found.Select(f => f.Entry), .. match.Computed.SelectMany(c => c.Sources)], isOneFile: checkpoint.Files.Count == 1);

        var model = Loader.Load(checkpoint, load, engine);
        IReadOnlyList<(Slot, long[])> emptied = [];
        try
        {
            engine.Observer.Phase("assign");
            using var sources = new SourceTensors(checkpoint, computing, load, mayMap, staysMapped: !_options.Own && _load.Strategy is "auto" or "mmap-assign");
            var incoming = match.Found.Select(f => Loaded(f.Slot, model[f.Entry.Name])).ToList();
            incoming.AddRange(match.Computed.Select(c => sources.Compute(c, made => dtypes.Of(c.Name, made, c.Slot.Tensor.dtype), DeviceOf(c.Slot))));
            var result = Result(match, model, incoming);

            emptied = NativeModules.Prepare(incoming, DeviceOf, checkpoint.Path);
            foreach (var weight in incoming) new Seat(weight.Slot, DeviceOf(weight.Slot), _module).Take(weight);
            HiddenBuffers.To(_module, (name, type) => _options.KeepDType ? type : dtypes.Of(name, type, type), _devices.Of);
            _devices.Settle(_module);
            reads?.End();
            return (model, result);
        }
        catch
        {
            NativeModules.GiveShapes(emptied);
            model.Dispose();
            throw;
        }
    }

    /// <exception cref="ObjectDisposedException">The module was disposed: it lists no names any more, and the checkpoint would seem not to fit it.</exception>
    private static void RequireLife(torch.nn.Module module)
    {
        try
        {
            // Of a program's own modules this asks native code. TorchSharp's own that are written in C# do not say it.
            _ = module.training;
        }
        catch (ObjectDisposedException e)
        {
            throw new ObjectDisposedException($"module {module.GetName()} was disposed: load into one that is alive", e);
        }
    }

    private static Incoming Loaded(Slot slot, Tensor loaded)
    {
        var handle = loaded.Handle ?? throw new InvalidOperationException("only tensors of the engine libtorch can be handed over");
        return new Incoming(slot, Handover.Lend(handle, lent => lent.dtype), (loaded.Storage as MappedStorage)?.Mapping, use => Handover.Lend(handle, use));
    }

    private ModuleLoad Result(ModuleMatch match, Model model, List<Incoming> incoming)
    {
        var storages = model.ByStorage();
        var computed = incoming.Skip(match.Found.Count).ToList();
        var stayMapped = incoming.Where(i => i.Mapping is not null && DeviceOf(i.Slot).type == DeviceType.CPU).ToList();
        return new ModuleLoad(match.Missing, match.Unexpected)
        {
            Strategy = _load.Strategy,
            Bytes = storages.Sum(s => s.Key.Bytes) + computed.Sum(Bytes),
            Seconds = 0,
            Mapped = [.. stayMapped.SelectMany(i => i.Slot.Names)],
            MappedBytes = storages.Where(s => s.Key.IsMapped && IsOnHost(match, s)).Sum(s => s.Key.Bytes) + computed.Where(i => i.Mapping is not null).Sum(Bytes),
        };
    }

    private bool IsOnHost(ModuleMatch match, IEnumerable<string> names)
    {
        var first = names.First();
        return DeviceOf(match.Found.First(f => f.Entry.Name == first).Slot).type == DeviceType.CPU;
    }

    private static long Bytes(Incoming computed)
    {
        var bytes = 0L;
        computed.Lend(tensor =>
        {
            bytes = tensor.numel() * tensor.element_size();
            return tensor;
        });
        return bytes;
    }

    private torch.Device DeviceOf(Slot slot) => _devices.Of(slot.Names[0]);

    private sealed class ChoiceObserver(string strategy) : ILoadObserver
    {
        public string Strategy { get; private set; } = strategy;

        public void Chose(string strategy) => Strategy = strategy;

        public void Phase(string name)
        {
        }

        public void Touches(string tensor)
        {
        }

        public void Allocated(Storage storage)
        {
        }

        public void BeforeRelease(Storage storage)
        {
        }
    }
}
