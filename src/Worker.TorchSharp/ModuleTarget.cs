using Loadline.Checkpoints;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using TorchSharp;

namespace Loadline.Worker.TorchSharp;

/// <summary>Hands weights to a module of TorchSharp's, as <c>LoadWeights</c> does, and lets TorchSharp compute.</summary>
internal sealed class ModuleTarget : ILoadTarget
{
    public Engine Start(LoadOptions options) => ModuleEngine.Start(DeviceOf(options));

    public ITargetedLoad Prepare(Checkpoint checkpoint, LoadRequest request, Engine engine)
    {
        if (request.Computation?.ResidentBytes is not null) throw new ArgumentException("--resident is for engines whose forward is Loadline's: TorchSharp computes where the weights are");
        var shape = ModuleShape.Of(checkpoint.Path, request.Options.EntriesIn(checkpoint), request.Computation);
        return new ModuleWeightsLoad(checkpoint, request.Options, shape, DeviceOf(request.Options), engine);
    }

    // The strategies place on the host; from there a module's tensors go to a GPU one by one.
    private static torch.Device DeviceOf(LoadOptions options) => options.Devices.ToList() switch
    {
        [{ Kind: DeviceKind.Cpu }] => torch.CPU,
        [{ Kind: DeviceKind.Cuda, Index: var index }] => torch.device(DeviceType.CUDA, index),
        _ => throw new ArgumentException($"the engine {EngineNames.TorchSharp} loads a module onto cpu or cuda:N, not onto {options.Devices}"),
    };
}
