using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Reading;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Element types of a load's tensors, as the options want them.</summary>
internal sealed class KeptDTypes(ModuleLoadOptions options, Checkpoint checkpoint)
{
    private readonly TargetDType? _target = options.DType?.In(checkpoint);

    /// <summary>For the loader: what the options say, or what each parameter of the module has.</summary>
    public TargetDType? Of(IReadOnlyList<(Slot Slot, TensorEntry Entry)> found)
    {
        if (!options.KeepDType) return options.DType;
        var wanted = found.Where(f => f.Entry.DType.IsFloatingPoint).Select(f => (f.Entry, DType: ScalarTypes.Of(f.Slot.Tensor.dtype)))
            .Where(f => f.DType is not null && DTypeConversion.Targets.Contains(f.DType)).ToList();
        if (wanted.Select(w => w.DType).Distinct().ToList() is [{ } one]) return one;
        var each = new TargetDType();
        foreach (var (entry, dtype) in wanted) each = each.With(Exactly(entry.Name), dtype!);
        return wanted.Count == 0 ? null : each;
    }

    // What means something in a pattern is escaped; but for a comma, which parts two of them.
    private static string Exactly(string name) =>
        name.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("*", @"\*", StringComparison.Ordinal).Replace("?", @"\?", StringComparison.Ordinal).Replace(',', '?');

    /// <summary>For what is computed, and for buffers that are not loaded.</summary>
    /// <param name="name">Its name in the module.</param>
    /// <param name="made">The type that it has.</param>
    /// <param name="kept">The type that the module was built with.</param>
    public torch.ScalarType Of(string name, torch.ScalarType made, torch.ScalarType kept)
    {
        if (options.KeepDType) return ScalarTypes.Of(made)?.IsFloatingPoint == true && ScalarTypes.Of(kept)?.IsFloatingPoint == true ? kept : made;
        return _target is null || ScalarTypes.Of(made) is not { } stored ? made : ScalarTypes.Of(_target.Of(name, stored)) ?? made;
    }
}
