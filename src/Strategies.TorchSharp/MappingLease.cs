using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Keeps a file mapped while a tensor that views it can be reached, or a module that holds what TorchSharp made of that tensor.</summary>
/// <remarks>
/// SAFETY: the mapping's handle is referenced from here until the finalizer, which does not run while the tensor's object is alive, disposed or not. Both
/// are finalized in any order: deleting a tensor over memory that is not libtorch's does not touch that memory.
/// </remarks>
internal sealed class MappingLease
{
    private static readonly ConditionalWeakTable<torch.Tensor, MappingLease> Leases = [];

    // By the module's name for the tensor.
    private static readonly ConditionalWeakTable<torch.nn.Module, Dictionary<string, MappingLease>> OfModules = [];

    private readonly FileMapping _mapping;

    private MappingLease(FileMapping mapping)
    {
        var added = false;
        mapping.DangerousAddRef(ref added);
        _mapping = mapping;
    }

    ~MappingLease() => _mapping?.DangerousRelease();

    /// <summary>The tensor views a mapping from now on, and what it viewed before no more.</summary>
    public static void Give(torch.Tensor tensor, FileMapping mapping) => Leases.AddOrUpdate(tensor, new MappingLease(mapping));

    /// <summary>
    /// The same of a module and a name in it. <c>half()</c> and its like leave integers and bools what they are, and yet put another object of C#'s over their
    /// memory into the module: the first one's lease would end with it.
    /// </summary>
    public static void Give(torch.nn.Module module, string name, FileMapping mapping)
    {
        var leases = OfModules.GetOrCreateValue(module);
        lock (leases) leases[name] = new MappingLease(mapping);
    }

    /// <summary>The tensor has memory that libtorch counts.</summary>
    public static void End(torch.Tensor tensor) => Leases.Remove(tensor);

    /// <summary>So has what the module calls by that name.</summary>
    public static void End(torch.nn.Module module, string name)
    {
        if (!OfModules.TryGetValue(module, out var leases)) return;
        lock (leases) leases.Remove(name);
    }
}
