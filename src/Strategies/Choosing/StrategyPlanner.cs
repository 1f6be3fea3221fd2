using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Strategies.Catalog;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Strategies.Planning;

/// <summary>Computes what every strategy would take from a checkpoint's headers, without a look at its weights.</summary>
public static class Planner
{
    /// <summary>The strategies that can be chosen: all but the one that chooses.</summary>
    internal static IEnumerable<LoadingStrategy> Candidates => StrategyCatalog.All.Where(s => s is not Auto);

    /// <summary>Plans the load of a checkpoint.</summary>
    /// <param name="checkpoint">The weights, or rather where they lie.</param>
    /// <param name="options">The device, the engine, the dtype, the ring and the model; the strategy plays no part.</param>
    /// <param name="limits">What may be taken; null takes what is there.</param>
    /// <exception cref="CheckpointException">The checkpoint does not fit the model, or has no conversion to the dtype.</exception>
    public static LoadPlan Plan(Checkpoint checkpoint, LoadOptions options, MemoryLimits? limits = null)
    {
        checkpoint = options.Select(checkpoint);
        if (options.DeviceMap is not null) return PlanMap(checkpoint, options, limits);
        return Plan(LoadSizes.Of(options.LayoutOf(checkpoint), options.RingBytes), options.Device, limits ?? MemoryLimits.Here(options.Device), WorkerMemory.Of(options.Engine));
    }

    /// <summary>Plans the load of weights of these sizes.</summary>
    /// <param name="size">The sizes.</param>
    /// <param name="device">Where they go.</param>
    /// <param name="limits">What may be taken.</param>
    /// <param name="worker">What the process takes itself; null for that of the native engine.</param>
    public static LoadPlan Plan(LoadSizes size, Device device, MemoryLimits limits, WorkerMemory? worker = null)
    {
        worker ??= WorkerMemory.Of(EngineNames.Native);
        var planned = Candidates.Select(s => (Strategy: s, Plan: Plan(s, size, device, limits, worker))).ToList();
        var choice = planned
            // On one device a map does what others are named for.
            .Where(p => p.Plan.Fits && p.Strategy is not DeviceMapped)
            .OrderBy(p => p.Strategy.Passes(device))
            .ThenBy(p => p.Plan.HostBytes + p.Plan.DeviceBytes)
            .Select(p => p.Plan.Strategy)
            .FirstOrDefault();
        return new LoadPlan(limits, [.. planned.Select(p => p.Plan)], choice);
    }

    // Of several devices only a map can make use.
    private static LoadPlan PlanMap(Checkpoint checkpoint, LoadOptions options, MemoryLimits? limits)
    {
        var known = limits ?? MemoryLimits.Here(Device.Cpu) with { DeviceBytes = options.Devices.Sum(d => DeviceRoom.Here(d).Bytes) };
        var worker = WorkerMemory.Of(options.Engine);
        try
        {
            var plan = MapPlanner.Plan(checkpoint, options, limits is null ? null : HostRam.Of(limits.RamBytes, worker));
            var mapped = LoadSizes.Of(options.LayoutOf(checkpoint, plan.Map), options.RingBytes) with { Mapped = new(plan.HostBytes, plan.AcceleratorBytes) };
            var planned = Plan(StrategyCatalog.All.OfType<DeviceMapped>().Single(), mapped, options.Device, known, worker);
            return new LoadPlan(known, [planned], planned.Fits ? planned.Strategy : null);
        }
        catch (DeviceMapException e)
        {
            return new LoadPlan(known, [new PlannedStrategy("device-map", 0, 0, Fits: false, e.Message)], null);
        }
    }

    private static PlannedStrategy Plan(LoadingStrategy strategy, LoadSizes size, Device device, MemoryLimits limits, WorkerMemory worker)
    {
        var peak = strategy.Peak(size, device);
        var hostBytes = checked(peak.HostBytes + size.ConversionBytes + worker.OwnBytes);
        var obstacle = Obstacle(strategy, size) ?? Shortage(worker.CapFor(hostBytes), peak.DeviceBytes, limits);
        var why = (obstacle ?? Room(hostBytes, peak.DeviceBytes, limits)) + Owned(strategy, size, device);
        return new PlannedStrategy(strategy.Name, hostBytes, peak.DeviceBytes, obstacle is null, why);
    }

    private static string Owned(LoadingStrategy strategy, LoadSizes size, Device device) => strategy.NeedsMapping && !device.IsAccelerator && size.UnmappedBytes > 0
        ? $"; {ByteSize.Format(size.UnmappedBytes)} {(size.ConversionBytes > 0 ? "get another dtype" : "lie in parts")} and cannot stay mapped"
        : "";

    private static string? Obstacle(LoadingStrategy strategy, LoadSizes size) =>
        strategy.NeedsMapping && !size.IsMappable ? "the checkpoint is compressed and cannot be mapped" : null;

    private static string? Shortage(long capBytes, long deviceBytes, MemoryLimits limits)
    {
        var ram = capBytes - limits.RamBytes;
        var device = deviceBytes - limits.DeviceBytes;
        return (ram > 0, device > 0) switch
        {
            (true, true) => $"needs {ByteSize.Format(ram)} more RAM, and {ByteSize.Format(device)} more on the device",
            (true, false) => $"needs {ByteSize.Format(ram)} more RAM",
            (false, true) => $"needs {ByteSize.Format(device)} more on the device",
            _ => null,
        };
    }

    private static string Room(long hostBytes, long deviceBytes, MemoryLimits limits) =>
        $"leaves {ByteSize.Format(limits.RamBytes - hostBytes)} of RAM"
        + (limits.DeviceBytes > 0 ? $", {ByteSize.Format(limits.DeviceBytes - deviceBytes)} on the device" : "");
}
