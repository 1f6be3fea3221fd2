using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.DeviceMaps.Dispatch;

/// <summary>The weights of one module on the CPU, under their names in the state dict: the model's own memory, or a copy that goes with the layer.</summary>
public sealed class Layer : NamedTensors
{
    internal Layer(Engine engine, string name)
        : base(engine) => Name = name;

    /// <summary>The module, as in <c>trf_blocks.3</c>.</summary>
    public string Name { get; }

    // What is not copied is still the model's.
    private protected override string? Use => null;
}
