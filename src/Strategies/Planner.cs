using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Strategies.Choosing;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Strategies;

/// <summary>Computes what every strategy would take from a checkpoint's headers, without a look at its weights.</summary>
public static class Planner
{
    /// <summary>Plans the load of a checkpoint.</summary>
    /// <param name="checkpoint">The weights, or rather where they lie.</param>
    /// <param name="options">The device, the engine, the dtype, the ring and the model; the strategy plays no part.</param>
    /// <param name="limits">What may be taken; null takes what is there.</param>
    /// <exception cref="ArgumentException">Something among the options is null, no value of its type, or a ring that no load takes.</exception>
    /// <exception cref="CheckpointException">The checkpoint does not fit the model, or has no conversion to the dtype.</exception>
    public static LoadPlan Plan(Checkpoint checkpoint, LoadOptions options, MemoryLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        options.RequireAll();
        options.RequireRing();
        checkpoint = options.Select(checkpoint);
        if (options.DeviceMap is not null) return PlanMap(checkpoint, options, limits);
        return Plan(LoadSizes.Of(options.LayoutOf(checkpoint), options.RingBytes), options.Device, limits ?? MemoryLimits.Here(options.Device), WorkerMemory.Of(options.Engine));
    }

    /// <summary>Plans the load of weights of these sizes.</summary>
    /// <param name="size">The sizes.</param>
    /// <param name="device">Where they go.</param>
    /// <param name="limits">What may be taken.</param>
    /// <param name="worker">What the process takes itself; null for that of the native engine.</param>
    public static LoadPlan Plan(LoadSizes size, Device device, MemoryLimits limits, WorkerMemory? worker = null) =>
        StrategyPlanner.Plan(StrategyCatalog.Candidates, size, device, limits, worker ?? WorkerMemory.Of(EngineNames.Native));

    // Of several devices only a map can make use.
    private static LoadPlan PlanMap(Checkpoint checkpoint, LoadOptions options, MemoryLimits? limits)
    {
        var known = limits ?? MemoryLimits.Here(Device.Cpu) with { DeviceBytes = options.Devices.Sum(d => DeviceRoom.Here(d).Bytes) };
        var worker = WorkerMemory.Of(options.Engine);
        try
        {
            var plan = MapPlanner.Plan(checkpoint, options, limits is null ? null : HostRam.Of(limits.RamBytes, worker));
            var mapped = LoadSizes.Of(options.LayoutOf(checkpoint, plan.Map), options.RingBytes) with { Mapped = new(plan.HostBytes, plan.AcceleratorBytes) };
            var planned = StrategyPlanner.Plan(StrategyCatalog.Candidates.Single(s => s.NeedsMap), mapped, options.Device, known, worker);
            return new LoadPlan(known, [planned], planned.Fits ? planned.Strategy : null);
        }
        catch (DeviceMapException e)
        {
            return new LoadPlan(known, [new PlannedStrategy("device-map", 0, 0, Fits: false, e.Message)], null);
        }
    }
}
