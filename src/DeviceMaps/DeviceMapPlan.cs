using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>A map, and what it comes to on each device.</summary>
/// <param name="Map">Which tensor goes where.</param>
/// <param name="Uses">In the order of the devices.</param>
/// <param name="Tree">The model with its places, for people.</param>
public sealed record DeviceMapPlan(DeviceMap Map, IReadOnlyList<DeviceUse> Uses, PlacedModule Tree)
{
    /// <summary>Host memory that the load takes: what the map puts on the CPU. The engine counts the same, to the byte.</summary>
    public long HostBytes => Uses.Sum(u => u.Device == Device.Cpu ? u.WeightBytes : 0);

    /// <summary>Accelerator memory that the load takes, on all of them together.</summary>
    public long AcceleratorBytes => Uses.Sum(u => u.Device.IsAccelerator ? u.WeightBytes : 0);
}

/// <summary>What a map puts on one device.</summary>
/// <param name="Device">The device.</param>
/// <param name="WeightBytes">Storages, each counted once.</param>
/// <param name="LimitBytes">The most that it may hold; null for the disk.</param>
/// <param name="KeptBytes">Left free for the largest layer that is offloaded behind it, and has to come back to be computed with.</param>
/// <param name="Why">Where the limit comes from.</param>
public sealed record DeviceUse(Device Device, long WeightBytes, long? LimitBytes, long KeptBytes, string Why);

/// <summary>A module with its place. One that goes to one device has no parts.</summary>
/// <param name="Name">The last part of its name; empty for the model.</param>
/// <param name="Bytes">What it takes on the host, each storage counted once.</param>
/// <param name="Device">Where it goes; null where its parts go to several.</param>
/// <param name="Parts">In the order of the model.</param>
public sealed record PlacedModule(string Name, long Bytes, Device? Device, IReadOnlyList<PlacedModule> Parts);
