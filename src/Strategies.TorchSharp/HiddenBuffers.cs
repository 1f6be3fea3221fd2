using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using TorchSharp;
using TorchSharp.Utils;

namespace Loadline.Strategies.TorchSharp;

/// <summary>
/// Buffers that are not persistent: no checkpoint has them, and no public member of TorchSharp 0.107 lists them (<c>named_buffers</c> leaves them out
/// whatever it is asked, and so <c>to</c> and <c>half</c> pass them over).
/// </summary>
internal static class HiddenBuffers
{
    /// <summary>All of a module's and its children's, with their full names.</summary>
    public static List<(string Name, torch.Tensor Tensor)> Of(torch.nn.Module module)
    {
        var found = new List<(string, torch.Tensor)>();
        foreach (var (path, owner) in module.named_modules().Prepend(("", module)))
        {
            var buffers = Buffers(owner).items();
            while (buffers.MoveNext())
            {
                var (name, (tensor, isPersistent)) = buffers.Current;
                if (!isPersistent) found.Add((path is "" ? name : $"{path}.{name}", tensor));
            }
        }

        return found;
    }

    /// <summary>Gives those on the meta device the values that a function computes for their full names.</summary>
    public static void Compute(torch.nn.Module module, Func<string, torch.Tensor?> compute)
    {
        using var noGrad = torch.no_grad();
        foreach (var (name, tensor) in Of(module).Where(b => b.Tensor.device_type == DeviceType.META))
        {
            using var scope = torch.NewDisposeScope();
            if (compute(name) is not { } value) continue;
            if (!value.shape.SequenceEqual(tensor.shape))
            {
                throw new ArgumentException($"buffer '{name}' was computed with shape {Shapes.Format(value.shape)}; the module made it with {Shapes.Format(tensor.shape)}");
            }

            Handover.Alias(value.detach(), tensor);
        }
    }

    /// <summary>Refuses a module that would compute with a buffer that has no values, and that nothing will give it.</summary>
    /// <exception cref="InvalidOperationException">The message names the buffer and says what to do.</exception>
    public static void RequireValues(torch.nn.Module module)
    {
        foreach (var (name, tensor) in Of(module))
        {
            if (tensor.device_type != DeviceType.META) continue;
            throw new InvalidOperationException(
                $"buffer '{name}' of module {module.GetName()} is on the meta device, and as it is not persistent no checkpoint has it: "
                + "make it with device: torch.CPU, or let Skeleton.Build's computeBuffer make it again");
        }
    }

    /// <summary>Converts and moves them, as <c>Module.to</c> does with the others.</summary>
    /// <param name="module">Whose.</param>
    /// <param name="dtype">The element type for a full name and the type that there is.</param>
    /// <param name="device">The device for a full name.</param>
    public static void To(torch.nn.Module module, Func<string, torch.ScalarType, torch.ScalarType> dtype, Func<string, torch.Device> device)
    {
        foreach (var (name, tensor) in Of(module))
        {
            var (type, place) = (dtype(name, tensor.dtype), device(name));
            if (type == tensor.dtype && place.type == tensor.device_type && place.type == DeviceType.CPU) continue;
            using var scope = torch.NewDisposeScope();
            Handover.Alias(tensor.to(type).to(place).detach(), tensor);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_internal_buffers")]
    private static extern ref OrderedDict<string, (torch.Tensor, bool)> Buffers(torch.nn.Module module);
}
