using Loadline.Tensors.Engines;

namespace Loadline.Tensors;

/// <summary>Named parameters and buffers, and where they are. Dispose it to give all memory back.</summary>
public sealed class Model : NamedTensors
{
    internal Model(Engine engine)
        : base(engine)
    {
    }

    private protected override string Use => "model";

    /// <summary>Moves every tensor onto a device, as <c>Module.to</c> does: each one's old memory is freed before the next one moves.</summary>
    internal Model To(Device device)
    {
        Engine.Observer.Phase("copy");
        foreach (var group in ByStorage())
        {
            Engine.Observer.Touches(group.First());
            Rebind(this, group, Engine.MoveTo(device, group.Key));
        }

        return this;
    }

    /// <summary>Gives every tensor memory on a device without a value, as <c>Module.to_empty</c> does.</summary>
    /// <param name="device">Where.</param>
    /// <param name="blocks">Where a GPU's memory comes from when the values come; null for now, each tensor's by itself.</param>
    internal Model ToEmpty(Device device, CudaBlocks? blocks = null)
    {
        foreach (var group in ByStorage()) Rebind(this, group, Engine.Allocate(device, group.Key.Bytes, blocks));
        return this;
    }

    /// <summary>Copies values over, as <c>load_state_dict</c> does. The state dict may hold some of the tensors only.</summary>
    internal void Copy(StateDict stateDict)
    {
        Engine.Observer.Phase("copy");
        foreach (var group in stateDict.ByStorage())
        {
            Engine.Observer.Touches(group.First());
            this[group.First()].Storage.CopyFrom(group.Key);
        }
    }

    /// <summary>Takes over the state dict's tensors themselves, as <c>load_state_dict(assign=True)</c> does.</summary>
    internal void Assign(StateDict stateDict)
    {
        Engine.Observer.Phase("assign");
        foreach (var (name, tensor) in stateDict) Set(name, tensor.Layout, tensor.Storage);
    }
}
