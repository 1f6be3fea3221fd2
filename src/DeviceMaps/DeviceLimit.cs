using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.DeviceMaps;

/// <summary>What a device may hold of a model.</summary>
/// <param name="Device">The device.</param>
/// <param name="Bytes">At most; null for the disk, which has no limit.</param>
/// <param name="Why">Where that comes from, for people.</param>
internal sealed record DeviceLimit(Device Device, long? Bytes, string Why)
{
    /// <summary>The limits of all devices: what is there, or what is asked for where that is less.</summary>
    /// <exception cref="DeviceMapException">A limit is for a device that is not in the list, or for the disk.</exception>
    public static IReadOnlyList<DeviceLimit> Of(DeviceList devices, IReadOnlyDictionary<string, long> maxMemory, HostRam ram, Func<Device, DeviceRoom> roomOn)
    {
        var unknown = maxMemory.Keys.Where(name => devices.Find(name) is null).ToList();
        if (unknown.Count > 0)
        {
            throw new DeviceMapException($"there is a limit for {string.Join(", ", unknown)}, but the devices are {string.Join(", ", devices.Select(d => d.NameInList))}");
        }

        if (maxMemory.ContainsKey("disk")) throw new DeviceMapException("disk takes no limit: what is there stays mapped in its file, and takes no memory");
        return [.. devices.Select(device => Of(device, maxMemory.TryGetValue(device.NameInList, out var bytes) ? bytes : null, ram, roomOn))];
    }

    private static DeviceLimit Of(Device device, long? asked, HostRam ram, Func<Device, DeviceRoom> roomOn)
    {
        if (device == Device.Disk) return new(device, null, "stays mapped");
        var (there, why) = device.IsAccelerator ? RoomOn(device, asked, roomOn) : (ram.Worker.RoomUnder(ram.Bytes), ram.Why + ", less what the worker itself takes");
        if (asked is null) return new(device, there, why);
        return asked <= there ? new(device, asked, "as asked for") : new(device, there, $"{why}; {ByteSize.Format(asked.Value)} were asked for");
    }

    // For a GPU of another machine somebody has to say how much there is; a load would have failed before.
    private static (long Bytes, string Why) RoomOn(Device device, long? asked, Func<Device, DeviceRoom> roomOn)
    {
        try
        {
            var room = roomOn(device);
            return (room.Bytes, room.Why);
        }
        catch (EngineUnavailableException) when (asked is not null)
        {
            return (asked.Value, "as asked for");
        }
    }
}
