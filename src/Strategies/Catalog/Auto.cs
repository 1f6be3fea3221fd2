using Loadline.Strategies.Choosing;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Strategies.Catalog;

/// <summary>Asks the planner, with the memory that is there at this moment, and does what it says.</summary>
/// <param name="others">The strategies that it chooses from.</param>
internal sealed class Auto(IReadOnlyList<LoadingStrategy> others) : LoadingStrategy
{
    public override string Name => "auto";

    public override string Summary => "the fastest of the others that fits into the memory that is there";

    public override PeakMemory Peak(LoadSizes size, Device device) =>
        Choice(size, device, DeviceRoom.Here(device), WorkerMemory.Of(EngineNames.Native)).Peak(size, device);

    // What the choice will be depends on sizes, too: this is the best that it can be.
    public override int Passes(Device device) => others.Min(s => s.Passes(device));

    internal override Model Load(LoadContext load)
    {
        var choice = Choice(load.Sizes, load.Device, load.DeviceRoom, load.Worker);
        load.Chose(choice);
        return choice.Load(load);
    }

    // A program that loads in its own process may hold much already, and so may others.
    private LoadingStrategy Choice(LoadSizes size, Device device, DeviceRoom room, WorkerMemory worker)
    {
        var plan = StrategyPlanner.Plan(others, size, device, new MemoryLimits(HostRam.Here(worker).Bytes, room.Bytes), worker);
        return plan.Choice is { } name ? others.Single(s => s.Name == name) : throw NothingFits(plan, device, room);
    }

    private static Exception NothingFits(LoadPlan plan, Device device, DeviceRoom room)
    {
        var least = plan.Strategies.MinBy(s => s.HostBytes)!;
        var deviceBytes = plan.Strategies.Min(s => s.DeviceBytes);
        return deviceBytes > room.Bytes
            ? new DeviceOutOfMemoryException(device, deviceBytes, room.Bytes, room.TotalBytes)
            : new ArgumentException($"no strategy fits: {least.Strategy} {least.Why}");
    }
}
