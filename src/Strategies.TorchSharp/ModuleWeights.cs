using Loadline.Checkpoints;
using Loadline.Strategies.Engines;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Loads checkpoints into TorchSharp's modules: the one call that most programs need.</summary>
public static class ModuleWeights
{
    /// <summary>
    /// Loads weights and lets the module take over the very tensors, as <c>load_state_dict(assign=True)</c> does: beside what the strategy costs this
    /// takes no memory, and what the parameters held before is freed. Parameters stay the objects that they are, and what is one parameter stays one.
    /// </summary>
    /// <param name="module">Built on the CPU, or without memory by <see cref="Skeleton.Build{T}"/>.</param>
    /// <param name="path">A file or folder of any format in <see cref="CheckpointFormat"/>.</param>
    /// <param name="strategy">How the weights get into memory, a name from <see cref="StrategyCatalog"/>; by default they stay mapped.</param>
    /// <param name="device">Where the module is to be; null is the CPU. Onto a GPU tensors are copied one after the other, each from where the strategy put it.</param>
    /// <param name="options">Names, dtype, readers.</param>
    /// <remarks>
    /// Mapped weights are the file's own pages: writing them, as training does, makes pages private and never changes the file, which must not be cut
    /// meanwhile. The mapping stays while any of their parameters does. A view of a mapped weight (<c>detach</c>, a slice) does not count: clone what is to
    /// outlive the module.
    /// </remarks>
    /// <exception cref="CheckpointException">The checkpoint is refused, or does not fit the module, which is then as it was before.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="InvalidOperationException">A module that computes in native code is on the meta device.</exception>
    public static ModuleLoad LoadWeights(
        this torch.nn.Module module, string path, string strategy = "mmap-assign", torch.Device? device = null, ModuleLoadOptions? options = null)
    {
        options ??= new ModuleLoadOptions();
        var load = new LoadOptions { Strategy = strategy, Engine = EngineNames.Libtorch, DType = options.DType, Readers = options.Readers }.Validated();
        var target = device ?? torch.CPU;
        if (target.type is not (DeviceType.CPU or DeviceType.CUDA)) throw new ArgumentException($"weights are loaded onto cpu or cuda, not onto {target}");

        using var checkpoint = Checkpoint.Open(path);
        // The module has loaded TorchSharp's libtorch: the engine takes the one that is there.
        using var engine = Engine.Create(load.Engine);
        var (model, outcome) = Load(module, checkpoint, load, engine, target, options.Strict);
        model.Dispose();
        return outcome;
    }

    /// <summary>Loads with somebody's engine, and returns the tensors that the module has taken over beside it, so that what they hold can be measured.</summary>
    internal static (Model Model, ModuleLoad Load) Load(
        torch.nn.Module module, Checkpoint checkpoint, LoadOptions load, Engine engine, torch.Device target, bool strict)
    {
        var match = ModuleMatch.Of(module, checkpoint);
        if (strict) match.RequireAll(checkpoint.Path, module);
        var model = Loader.Load(checkpoint, load with { Model = match.Spec(module) }, engine);
        try
        {
            engine.Observer.Phase("assign");
            var seats = match.Found.Select(f => (f.Slot, Loaded: model[f.Name])).ToList();
            using var noGrad = torch.no_grad();
            NativeModules.Prepare(seats, target, checkpoint.Path);
            foreach (var (slot, loaded) in seats) new Seat(slot, target).Take(loaded);
            // They are there already: this tells TorchSharp, which remembers of each module where it is.
            if (target.type == DeviceType.CUDA) module.to(target);
            return (model, new ModuleLoad(match.Missing, match.Unexpected));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
