using Loadline.Checkpoints;
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

    /// <summary>
    /// Saves all tensors by their names, in bounded memory and wherever they are. They are written under a name of its own, synced and renamed: the path holds the
    /// old file or the new one, never a half. It may be the one that they are mapped from. The new file has the permissions of the old one; a link gives way to it, and
    /// what it leads to stays as it is. Whatever file stands there is replaced: nobody is asked. A process that is killed meanwhile leaves <c>PATH.….partial</c>.
    /// </summary>
    /// <param name="path">
    /// The file or folder; where <paramref name="format"/> is null its ending says the format: <c>.safetensors</c>, <c>.pth</c>, <c>.pt</c>, <c>.bin</c> or <c>.dat</c>.
    /// </param>
    /// <param name="format">One of <see cref="CheckpointFormats.Writable"/>.</param>
    /// <param name="metadata">For the <c>__metadata__</c> of safetensors. A model does not keep the one it was loaded with: <see cref="Checkpoint.Metadata"/> has it.</param>
    /// <param name="cancellation">Stops, and removes what was written.</param>
    /// <remarks>Names of one tensor share its bytes in <c>pth</c>; the other formats know no ties and get a copy for each. Views with gaps are laid out without.</remarks>
    /// <exception cref="ArgumentException">The ending says no format, or it cannot be written.</exception>
    /// <exception cref="InvalidOperationException">A tensor is on a simulated accelerator, which keeps no values.</exception>
    /// <exception cref="CheckpointException">The format cannot hold one of the tensors, or a mapped file became shorter.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed, maybe meanwhile by another thread: the path holds what it held before.</exception>
    /// <exception cref="IOException">The file cannot be written; the message names it, and for a full disk the bytes needed and free.</exception>
    public void Save(string path, CheckpointFormat? format = null, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellation = default) =>
        Saving.Save(this, path, format ?? CheckpointFormats.OfEnding(path), metadata, cancellation);

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
    /// <param name="blocks">The memory of a GPU that the tensors share; null where each gets its own.</param>
    internal Model ToEmpty(Device device, CudaBlocks? blocks = null)
    {
        foreach (var group in ByStorage())
        {
            Engine.Observer.Touches(group.First());
            Rebind(this, group, Engine.Allocate(device, group.Key.Bytes, blocks));
        }

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
