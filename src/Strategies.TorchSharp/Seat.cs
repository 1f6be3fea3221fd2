using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Makes a parameter or buffer of a module the tensor that was loaded: the C# object stays, and so does whether it requires a gradient.</summary>
/// <remarks>Where gradients are recorded a parameter's memory cannot be replaced: call it under <c>no_grad</c>.</remarks>
/// <param name="slot">What gets a new tensor.</param>
/// <param name="device">Where it is to be.</param>
/// <param name="loaded">The module that is loaded, which the owner is a part of.</param>
internal sealed class Seat(Slot slot, torch.Device device, torch.nn.Module loaded)
{
    public void Take(Incoming incoming)
    {
        var requiresGrad = slot.Tensor.requires_grad;
        var seated = incoming.Lend(lent =>
        {
            if (device.type == DeviceType.CPU) return Take(lent);
            using var moved = lent.to(device);
            return Take(moved);
        });
        if (torch.is_floating_point(seated) || torch.is_complex(seated)) seated.requires_grad = requiresGrad;
        Lease(seated, device.type == DeviceType.CPU ? incoming.Mapping : null);
    }

    /// <summary>Brings what is there to the device.</summary>
    public void Move()
    {
        if (NativeModules.Contains(slot.Owner))
        {
            // All of it: one module in native code computes in one place.
            NativeModules.Move(slot.Owner, device, slot.Tensor.dtype);
            Lease(slot.Tensor, mapping: null);
            return;
        }

        var requiresGrad = slot.Tensor.requires_grad;
        using (var moved = slot.Tensor.detach().to(device)) Take(moved);
        if (torch.is_floating_point(slot.Tensor) || torch.is_complex(slot.Tensor)) slot.Tensor.requires_grad = requiresGrad;
        Lease(slot.Tensor, mapping: null);
    }

    private void Lease(torch.Tensor seated, FileMapping? mapping)
    {
        foreach (var tensor in slot.Tensors.Append(seated))
        {
            if (mapping is not null) MappingLease.Give(tensor, mapping);
            else MappingLease.End(tensor);
        }

        // What a program keeps may be the whole module, or the part that owns it.
        foreach (var (module, name) in new[] { (loaded, slot.Names[0]), (slot.Owner, slot.LocalName) })
        {
            if (mapping is not null && !torch.is_floating_point(seated)) MappingLease.Give(module, name, mapping);
            else MappingLease.End(module, name);
        }
    }

    private torch.Tensor Take(torch.Tensor tensor)
    {
        if (!NativeModules.Contains(slot.Owner))
        {
            foreach (var target in slot.Tensors) Handover.Alias(tensor, target);
            return slot.Tensor;
        }

        // The tensor that native code refers to gets other memory, which reaches every reference to it.
        return slot.Owner.named_parameters(recurse: false).Single(p => p.name == slot.LocalName).parameter.set_(tensor);
    }
}
