using Loadline.Harness.Budgets;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Harness.Results;

/// <summary>What a case says of its devices against its totals, what it asked for, and what a simulated device can hold.</summary>
internal static class DeviceContradictions
{
    private const string Disk = "disk";

    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? In(CaseResult result)
    {
        if (result.Device is { } device && Known.DevicesProblem(device) is not null) return $"has a device '{NameList.Shortened(device)}', which is none";
        if (result.MaxMemory is { } limits && Known.MaxMemoryProblem(limits) is not null) return $"has limits '{NameList.Shortened(limits)}', which are none";
        var devices = result.Device is null ? null : new LoadOptions().WithDevices(result.Device).Devices;
        var asked = result.MaxMemory is null ? null : new LoadOptions().WithMaxMemory(result.MaxMemory).DeviceMap!.MaxMemory;
        // What stays on the disk takes no memory, and has no limit.
        return InTotals(result, devices, asked)
            ?? result.Devices?.Where(one => one.Device != Disk).Select(one => InOne(one, result, devices, asked)).FirstOrDefault(problem => problem is not null);
    }

    private static string? InTotals(CaseResult result, DeviceList? devices, IReadOnlyDictionary<string, long>? asked)
    {
        if (result.Processes < 1) return $"ran {result.Processes} processes";
        if (result.Processes > 1 && (devices is not [var only] || only != Device.Cpu)) return $"ran {result.Processes} processes, which load onto the cpu, onto '{NameList.Shortened(result.Device ?? "nothing")}'";
        if (devices is not null && result.DeviceBytes > CapacityBytes(devices)) return $"held {ByteSize.Format(result.DeviceBytes.Value)} of device memory on {NameList.Shortened(result.Device!)}";
        return result.Pass && devices is not null && asked is not null && result.DeviceBytes > AskedBytes(devices, asked)
            ? $"passes, and held {ByteSize.Format(result.DeviceBytes.Value)} of device memory where {NameList.Shortened(result.MaxMemory!)} was asked for"
            : null;
    }

    private static string? InOne(DevicePeak one, CaseResult result, DeviceList? devices, IReadOnlyDictionary<string, long>? asked)
    {
        var name = NameList.Shortened(one.Device);
        if (one.LimitBytes is not { } limit) return $"tells of {name}, and of no limit there";
        // Into a module of TorchSharp's that goes onto a GPU, weights are loaded on the cpu.
        if ((one.Device == Device.Cpu.NameInList ? Device.Cpu : devices?.Find(one.Device)) is not { } listed) return $"tells of {name}, onto which it does not load";
        if (listed.Kind == DeviceKind.Sim && Math.Max(limit, one.PeakBytes) is var most && most > listed.CapacityBytes)
            return $"has {ByteSize.Format(most)} on {name}, which holds {ByteSize.Format(listed.CapacityBytes)}";
        if (asked is not null && asked.TryGetValue(one.Device, out var askedBytes) && limit > askedBytes)
            return $"has a limit of {ByteSize.Format(limit)} on {name}, and asked for {ByteSize.Format(askedBytes)}";
        var (whole, kind) = one.Device == Device.Cpu.NameInList ? (result.HostBytes, "host") : (result.DeviceBytes, "device");
        return one.PeakBytes > whole ? $"held {ByteSize.Format(whole.Value)} of {kind} memory, and {ByteSize.Format(one.PeakBytes)} on {name}" : null;
    }

    // What a GPU has nobody knows from here.
    private static double CapacityBytes(DeviceList devices)
    {
        var accelerators = devices.Where(device => device.IsAccelerator).ToList();
        return accelerators.Exists(device => device.Kind != DeviceKind.Sim) ? double.MaxValue : accelerators.Sum(device => (double)device.CapacityBytes);
    }

    private static double AskedBytes(DeviceList devices, IReadOnlyDictionary<string, long> asked) =>
        devices.Where(device => device.IsAccelerator).Sum(device => asked.TryGetValue(device.NameInList, out var bytes) ? bytes : double.MaxValue / Known.MostDevices);
}
