using Loadline.Checkpoints;
using Loadline.Strategies.Planning;

namespace Loadline.Strategies.Maps;

/// <summary>Computes device maps from a checkpoint's headers, and holds given ones against them. No weights are read.</summary>
public static class DeviceMapPlanner
{
    /// <summary>Plans where a checkpoint's tensors go.</summary>
    /// <param name="checkpoint">The weights, or rather where they lie.</param>
    /// <param name="options">The devices and the rule, or a given map; and the model.</param>
    /// <param name="ram">What there is of RAM; null takes what is free at this moment.</param>
    /// <exception cref="DeviceMapException">The devices do not hold the model, or the map that was given is not one for it.</exception>
    /// <exception cref="CheckpointException">The checkpoint does not fit the model.</exception>
    public static DeviceMapPlan Plan(Checkpoint checkpoint, LoadOptions options, HostRam? ram = null) =>
        Plan(options.EntriesIn(checkpoint), options.DeviceMap ?? new(), options.Devices, ram ?? HostRam.Here(WorkerMemory.Of(options.Engine)), options.DType?.In(checkpoint));

    internal static DeviceMapPlan Plan(IReadOnlyList<TensorEntry> entries, DeviceMapOptions options, DeviceList devices, HostRam ram, TargetDType? dtype = null)
    {
        var tree = ModuleTree.Of(entries, options.NoSplit, dtype);
        var limits = DeviceLimit.Of(devices, options.MaxMemory, ram);
        return options.Given is { } given ? GivenMap.Check(tree, limits, given) : Compute(tree, limits, options.Rule);
    }

    private static DeviceMapPlan Compute(ModuleTree tree, IReadOnlyList<DeviceLimit> limits, MapRule rule)
    {
        var lowered = rule == MapRule.Sequential ? limits : BalancedLimits.Of(tree, limits, lowFirst: rule == MapRule.BalancedLow0);
        var filling = SequentialFill.Run(tree, lowered);
        return Placement.Plan(tree, limits, filling.Placed, filling.KeptBytes);
    }
}
