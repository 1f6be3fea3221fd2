using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Keeps a file mapped while a tensor that views it can be reached.</summary>
/// <remarks>
/// SAFETY: the mapping's handle is referenced from here until the finalizer, which does not run while the tensor's object is alive, disposed or not. Both
/// are finalized in any order: deleting a tensor over memory that is not libtorch's does not touch that memory.
/// </remarks>
internal sealed class MappingLease
{
    private static readonly ConditionalWeakTable<torch.Tensor, MappingLease> Leases = [];

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

    /// <summary>The tensor has memory that libtorch counts.</summary>
    public static void End(torch.Tensor tensor) => Leases.Remove(tensor);
}
