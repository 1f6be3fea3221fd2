using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>A parameter or buffer of a module, once, however many names it goes by.</summary>
/// <param name="Owner">The module that it belongs to by its first name.</param>
/// <param name="LocalName">What that module calls it.</param>
/// <param name="Tensor">The object itself.</param>
/// <param name="Names">Its names in the state dict: several where modules share it, as tied weights do.</param>
internal sealed record Slot(torch.nn.Module Owner, string LocalName, torch.Tensor Tensor, List<string> Names)
{
    /// <summary>Sizes that the weights must have.</summary>
    public long[] Shape => Skeleton.ShapeOf(Owner) ?? Tensor.shape;

    /// <summary>All of a module's, in the order of its state dict.</summary>
    public static IReadOnlyList<Slot> Of(torch.nn.Module module)
    {
        var slots = new Dictionary<nint, Slot>();
        foreach (var (path, owner) in module.named_modules().Prepend(("", module)))
        {
            var parameters = owner.named_parameters(recurse: false).Select(p => (p.name, Tensor: (torch.Tensor)p.parameter));
            foreach (var (name, tensor) in parameters.Concat(owner.named_buffers(recurse: false, include_nonpersistent: false)))
            {
                if (!slots.TryGetValue(tensor.Handle, out var slot)) slots.Add(tensor.Handle, slot = new Slot(owner, name, tensor, []));
                var fullName = path is "" ? name : $"{path}.{name}";
                if (!slot.Names.Contains(fullName)) slot.Names.Add(fullName);
            }
        }

        return [.. slots.Values];
    }
}
