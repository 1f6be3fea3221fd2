using Loadline.Checkpoints;
using Loadline.Strategies.Engines;
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
    /// <exception cref="EngineUnavailableException">A GPU of the list is not there.</exception>
    public static DeviceMapPlan Plan(Checkpoint checkpoint, LoadOptions options, HostRam? ram = null) => Plan(checkpoint, options, DeviceRoom.Here, ram);

    /// <summary>The same, with accelerators that somebody has open.</summary>
    internal static DeviceMapPlan Plan(Checkpoint checkpoint, LoadOptions options, Func<Device, DeviceRoom> roomOn, HostRam? ram = null)
    {
        checkpoint = options.Select(checkpoint);
        ram ??= HostRam.Here(WorkerMemory.Of(options.Engine));
        return Plan(options.EntriesIn(checkpoint), options.DeviceMap ?? new(), options.Devices, ram, options.DType?.In(checkpoint), roomOn);
    }

    internal static DeviceMapPlan Plan(
        IReadOnlyList<TensorEntry> entries, DeviceMapOptions options, DeviceList devices, HostRam ram, TargetDType? dtype = null, Func<Device, DeviceRoom>? roomOn = null)
    {
        var tree = ModuleTree.Of(entries, options.NoSplit, dtype);
        var limits = DeviceLimit.Of(devices, options.MaxMemory, ram, roomOn ?? DeviceRoom.Here);
        return options.Given is { } given ? GivenMap.Check(tree, limits, given) : Compute(tree, limits, options.Rule);
    }

    private static DeviceMapPlan Compute(ModuleTree tree, IReadOnlyList<DeviceLimit> limits, MapRule rule)
    {
        var lowered = rule == MapRule.Sequential ? limits : BalancedLimits.Of(tree, limits, lowFirst: rule == MapRule.BalancedLow0);
        var filling = SequentialFill.Run(tree, lowered);
        return Placement.Plan(tree, limits, filling.Placed, filling.KeptBytes);
    }
}
