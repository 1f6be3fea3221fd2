using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>A parameter or buffer that is computed.</summary>
/// <param name="Slot">What gets it.</param>
/// <param name="Name">The name for which it is computed, one of the slot's.</param>
/// <param name="Sources">The checkpoint's tensors that it is computed from.</param>
internal sealed record PlannedWeight(Slot Slot, string Name, IReadOnlyList<TensorEntry> Sources);

/// <summary>Finds out what <see cref="ModuleLoadOptions.Compute"/> makes of a checkpoint, without a byte of it: on the meta device.</summary>
internal sealed class ComputedWeights(
    string path, IReadOnlyDictionary<string, TensorEntry> entries, Func<string, CheckpointTensors, torch.Tensor?>? compute)
{
    private readonly List<PlannedWeight> _planned = [];
    private readonly HashSet<TensorEntry> _used = new(ReferenceEqualityComparer.Instance);

    /// <summary>The checkpoint's tensors, by the names that the options' rules make.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => entries;

    /// <summary>What is computed, in the order in which it was asked for.</summary>
    public IReadOnlyList<PlannedWeight> Planned => _planned;

    /// <summary>Whether something is computed from the tensor of a name.</summary>
    public bool Uses(string name) => entries.TryGetValue(name, out var entry) && _used.Contains(entry);

    /// <summary>Whether a parameter or buffer is computed.</summary>
    /// <exception cref="CheckpointException">It is, but with another shape.</exception>
    public bool TryPlan(Slot slot) => compute is not null && slot.Names.Exists(name => TryPlan(slot, name));

    /// <summary>Calls the function, and checks the shape of what it makes.</summary>
    /// <param name="slot">What gets it.</param>
    /// <param name="name">The name to compute.</param>
    /// <param name="get">Brings a source.</param>
    public torch.Tensor? Run(Slot slot, string name, Func<TensorEntry, torch.Tensor> get)
    {
        var made = Call(name, new CheckpointTensors(path, entries, get));
        if (made is null || made.shape.SequenceEqual(slot.Shape)) return made;
        throw new CheckpointException(
            CheckpointError.Mismatch, path, $"was computed with shape {Shapes.Format(made.shape)}; the module expects {Shapes.Format(slot.Shape)}", name);
    }

    private torch.Tensor? Call(string name, CheckpointTensors tensors)
    {
        try
        {
            return compute!(name, tensors);
        }
        catch (System.Runtime.InteropServices.ExternalException e)
        {
            // libtorch's own words know neither, and end in a C++ stack.
            var reason = e.Message.Split('\n')[0];
            throw new InvalidOperationException(
                $"{path}: Compute fails at '{name}': {reason} (it is called first with tensors on the meta device, which have shapes and no values: it may ask for neither "
                + "an item nor a comparison of values)", e);
        }
    }

    private bool TryPlan(Slot slot, string name)
    {
        using var scope = torch.NewDisposeScope();
        var sources = new List<TensorEntry>();
        if (Run(slot, name, OnMeta) is null) return false;
        _used.UnionWith(sources);
        _planned.Add(new PlannedWeight(slot, name, sources));
        return true;

        torch.Tensor OnMeta(TensorEntry entry)
        {
            sources.Add(entry);
            var dtype = ScalarTypes.Of(entry.DType) ?? throw new CheckpointException(
                CheckpointError.Unsupported, path, $"is {entry.DType}, which TorchSharp does not have", entry.Name);
            return torch.empty([.. entry.Shape], dtype, torch.META);
        }
    }
}
