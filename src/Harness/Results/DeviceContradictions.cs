using Loadline.Harness.Budgets;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Harness.Results;

/// <summary>What a case says of its devices against its totals, what it asked for, and what a simulated device can hold.</summary>
internal static class DeviceContradictions
{
    private const string Disk = "disk";

    // A list of more devices than a machine has would take its time to be read.
    private const int MostChars = 4096;
    private const int MostDevices = 128;

    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? In(CaseResult result)
    {
        if (result.Device is { } device && (device.Length > MostChars || device.Count(c => c == ',') >= MostDevices || Known.DevicesProblem(device) is not null)) return $"has a device '{NameList.Shortened(device)}', which is none";
        if (result.MaxMemory is { } limits && (limits.Length > MostChars || Known.MaxMemoryProblem(limits) is not null)) return $"has limits '{NameList.Shortened(limits)}', which are none";
        if (result.DeviceBytes > CapacityBytes(result)) return $"held {ByteSize.Format(result.DeviceBytes.Value)} of device memory on {NameList.Shortened(result.Device!)}";
        var asked = result.MaxMemory is null ? null : new LoadOptions().WithMaxMemory(result.MaxMemory).DeviceMap!.MaxMemory;
        // What stays on the disk takes no memory, and has no limit.
        foreach (var one in result.Devices?.Where(one => one.Device != Disk) ?? [])
        {
            var (name, isHost) = (NameList.Shortened(one.Device), one.Device == Device.Cpu.NameInList);
            if (one.LimitBytes is not { } limit) return $"tells of {name}, and of no limit there";
            if (asked is not null && asked.TryGetValue(one.Device, out var most) && limit > most)
                return $"has a limit of {ByteSize.Format(limit)} on {name}, and asked for {ByteSize.Format(most)}";
            if (one.PeakBytes > (isHost ? result.HostBytes : result.DeviceBytes))
                return $"held {ByteSize.Format((isHost ? result.HostBytes : result.DeviceBytes)!.Value)} of {(isHost ? "host" : "device")} memory, and {ByteSize.Format(one.PeakBytes)} on {name}";
        }

        return null;
    }

    // Each process has devices of its own. What a GPU has nobody knows from here.
    private static long? CapacityBytes(CaseResult result)
    {
        if (result.Device is null) return null;
        var devices = new LoadOptions().WithDevices(result.Device).Devices.Where(device => device.IsAccelerator).ToList();
        if (devices.Exists(device => device.Kind != DeviceKind.Sim)) return null;
        var (capacity, processes) = (devices.Sum(device => (double)device.CapacityBytes), Math.Max(1, result.Processes ?? 1));
        return (long)Math.Min(capacity * processes, long.MaxValue / 2);
    }
}
