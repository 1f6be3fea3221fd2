using Loadline.Tensors;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>A parameter or buffer of a module, once, however many names and objects it goes by.</summary>
/// <param name="Owner">The module that it belongs to; one that computes in native code where there is one.</param>
/// <param name="LocalName">What that module calls it.</param>
/// <param name="Names">Its names in the state dict: several where modules share it, as tied weights do.</param>
/// <param name="Tensors">The objects of C#'s for it, the owner's first: <c>Embedding.weight</c> makes a new one each time that it is asked.</param>
internal sealed record Slot(torch.nn.Module Owner, string LocalName, List<string> Names, List<torch.Tensor> Tensors)
{
    /// <summary>The owner's.</summary>
    public torch.Tensor Tensor => Tensors[0];

    /// <summary>Sizes that the weights must have.</summary>
    public long[] Shape => Tensor.shape;

    /// <summary>All of a module's, in the order of its state dict.</summary>
    public static IReadOnlyList<Slot> Of(torch.nn.Module module)
    {
        var slots = new Dictionary<nint, Slot>();
        foreach (var (path, owner) in module.named_modules().Prepend(("", module)))
        {
            var parameters = owner.named_parameters(recurse: false).Select(p => (p.name, Tensor: (torch.Tensor)p.parameter));
            foreach (var (name, tensor) in parameters.Concat(owner.named_buffers(recurse: false, include_nonpersistent: false)))
            {
                var identity = Identity(tensor);
                var slot = slots.GetValueOrDefault(identity) ?? new Slot(owner, name, [], []);
                if (NativeModules.Contains(owner) && !NativeModules.Contains(slot.Owner)) slot = slot with { Owner = owner, LocalName = name };
                slots[identity] = slot;
                slot.Names.Add(path is "" ? name : $"{path}.{name}");
                if (slot.Tensors.TrueForAll(t => t.Handle != tensor.Handle)) slot.Tensors.Insert(slot.Owner == owner ? 0 : slot.Tensors.Count, tensor);
            }
        }

        return [.. slots.Values];
    }

    /// <summary>What all objects for one tensor have in common.</summary>
    /// <remarks>SAFETY: an at::Tensor is one pointer, to what all its copies share.</remarks>
    internal static unsafe nint Identity(torch.Tensor tensor) => *(nint*)tensor.Handle;
}
