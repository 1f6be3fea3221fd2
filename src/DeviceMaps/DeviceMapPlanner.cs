using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.DeviceMaps;

/// <summary>Computes device maps from a checkpoint's headers, and holds given ones against them. No weights are read.</summary>
public static class DeviceMapPlanner
{
    /// <summary>Plans where tensors go.</summary>
    /// <param name="entries">The tensors, or rather what the checkpoint's headers say of them.</param>
    /// <param name="options">The rule, or a given map.</param>
    /// <param name="devices">Where they may go.</param>
    /// <param name="ram">What there is of RAM.</param>
    /// <param name="dtype">What they are converted to; null keeps each one's own.</param>
    /// <param name="roomOn">What an accelerator has room for; null asks the accelerators that are here.</param>
    /// <exception cref="DeviceMapException">The devices do not hold the model, or the map that was given is not one for it.</exception>
    /// <exception cref="EngineUnavailableException">A GPU of the list is not there.</exception>
    public static DeviceMapPlan Plan(
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
