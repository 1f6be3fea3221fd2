using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Strategies.Planning;

/// <summary>Computes the map of a load from a checkpoint's headers. No weights are read.</summary>
public static class MapPlanner
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
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(options);
        checkpoint = options.Select(checkpoint);
        ram ??= HostRam.Here(WorkerMemory.Of(options.Engine));
        var entries = options.EntriesIn(checkpoint);
        return DeviceMapPlanner.Plan(entries, options.DeviceMap ?? new(), options.Devices, ram, options.DType?.In(checkpoint, entries), roomOn);
    }
}
