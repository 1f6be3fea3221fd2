using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Limits;

namespace Loadline.Strategies.Choosing;

/// <summary>Computes what strategies would take, and which of them to choose.</summary>
internal static class StrategyPlanner
{
    // So many were there when a worker's own memory was measured.
    private const int TensorsOfWorker = 1000;

    /// <summary>Plans the load of weights of these sizes.</summary>
    /// <param name="candidates">The strategies.</param>
    /// <param name="size">The sizes.</param>
    /// <param name="device">Where they go.</param>
    /// <param name="limits">What may be taken.</param>
    /// <param name="worker">What the process takes itself.</param>
    public static LoadPlan Plan(IReadOnlyList<LoadingStrategy> candidates, LoadSizes size, Device device, MemoryLimits limits, WorkerMemory worker)
    {
        var planned = candidates.Select(s => (Strategy: s, Plan: Plan(s, size, device, limits, worker))).ToList();
        var choice = planned
            // On one device a map does what others are named for.
            .Where(p => p.Plan.Fits && !p.Strategy.NeedsMap)
            .OrderBy(p => p.Strategy.Passes(device))
            .ThenBy(p => p.Plan.HostBytes + p.Plan.DeviceBytes)
            .Select(p => p.Plan.Strategy)
            .FirstOrDefault();
        return new LoadPlan(limits, [.. planned.Select(p => p.Plan)], choice);
    }

    /// <summary>One strategy's part of it.</summary>
    public static PlannedStrategy Plan(LoadingStrategy strategy, LoadSizes size, Device device, MemoryLimits limits, WorkerMemory worker)
    {
        var peak = strategy.Peak(size, device);
        var descriptions = (long)strategy.BytesPerTensor * Math.Max(0, size.Tensors - TensorsOfWorker);
        var hostBytes = checked(peak.HostBytes + size.ConversionBytes + worker.OwnBytes + descriptions);
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
