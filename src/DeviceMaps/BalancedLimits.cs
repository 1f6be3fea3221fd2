using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>
/// The limits under which filling one accelerator after another leaves all with about the same: each but the last may take its share of the model and a
/// margin, so that layers, which are not cut, do not pile up behind it.
/// </summary>
/// <remarks>
/// The rule is <c>get_balanced_memory</c> of Hugging Face Accelerate: a margin of 1.25 × the larger of the largest kind of block that is not split and the
/// mean of the innermost modules. It also leaves a tenth of a single GPU free where nobody set its limit; here every accelerator's limit was set by whoever
/// named its capacity.
/// </remarks>
internal static class BalancedLimits
{
    /// <summary>Lowers the limits of the accelerators.</summary>
    /// <param name="tree">The model.</param>
    /// <param name="limits">What the devices may hold.</param>
    /// <param name="lowFirst">Whether the first accelerator takes only what the others cannot.</param>
    public static IReadOnlyList<DeviceLimit> Of(ModuleTree tree, IReadOnlyList<DeviceLimit> limits, bool lowFirst)
    {
        var sharing = limits.Where(l => l.Device.IsAccelerator && l.Bytes > 0).ToList();
        if (sharing.Count < 2) return limits;

        var total = tree.Root.Bytes.Accelerator;
        var share = total / (lowFirst ? sharing.Count - 1 : sharing.Count) + Margin(tree);
        var lowered = new Dictionary<Device, long>();
        foreach (var limit in sharing.SkipLast(1)) lowered[limit.Device] = Math.Min(share, limit.Bytes!.Value);
        if (lowFirst)
        {
            var others = sharing.Skip(1).Sum(l => Math.Min(total, lowered.GetValueOrDefault(l.Device, l.Bytes!.Value)));
            lowered[sharing[0].Device] = Math.Min(Math.Max(0, total - others), sharing[0].Bytes!.Value);
        }

        return [.. limits.Select(l => lowered.TryGetValue(l.Device, out var bytes) ? l with { Bytes = bytes } : l)];
    }

    private static long Margin(ModuleTree tree)
    {
        var modules = tree.Root.Below().Where(m => !m.IsTensor && m.Bytes.Accelerator > 0).ToList();
        // Of each kind the first stands for all.
        var block = tree.NoSplit.Max(pattern => modules.Find(pattern.Matches)?.Bytes.Accelerator) ?? 0;
        var innermost = modules.Where(m => m.Parent is not null && m.Children.All(c => c.IsTensor)).ToList();
        var mean = innermost.Count == 0 ? 0 : innermost.Sum(m => m.Bytes.Accelerator) / innermost.Count;
        return checked(5 * Math.Max(block, mean)) / 4;
    }
}
