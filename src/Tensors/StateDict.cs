using Loadline.Tensors.Engines;

namespace Loadline.Tensors;

/// <summary>Name to tensor, as the checkpoint holds them: the weights before a model takes them over.</summary>
internal sealed class StateDict(Engine engine) : NamedTensors(engine)
{
    private protected override string Use => "state dict";

    /// <summary>One parameter at a time; those that share memory come together. Each part shares this one's memory, until the next is taken.</summary>
    public IEnumerable<StateDict> Split()
    {
        foreach (var group in ByStorage())
        {
            using var part = new StateDict(Engine);
            part.Rebind(this, group, group.Key.Share());
            yield return part;
        }
    }

    /// <summary>The same weights on a device: this very memory where they are there already, else a copy.</summary>
    public StateDict To(Device device)
    {
        var moved = new StateDict(Engine);
        try
        {
            foreach (var group in ByStorage()) moved.Rebind(this, group, Engine.MoveTo(device, group.Key));
            return moved;
        }
        catch
        {
            moved.Dispose();
            throw;
        }
    }
}
