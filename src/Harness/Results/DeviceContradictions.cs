using Loadline.Harness.Budgets;
using Loadline.Measuring;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Results;

/// <summary>What a case says of its devices against its totals, what it asked for, and what a simulated device can hold.</summary>
internal static class DeviceContradictions
{
    private const string Disk = "disk";
    private const string DeviceMapStrategy = "device-map";

    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? In(CaseResult result)
    {
        DeviceList? devices = null;
        IReadOnlyDictionary<string, long>? asked = null;
        if (result.Device is { } device && Known.DevicesProblem(device, out devices) is not null) return $"has a device '{NameList.Shortened(device)}', which is none";
        if (result.MaxMemory is { } limits && Known.MaxMemoryProblem(limits, out asked) is not null) return $"has limits '{NameList.Shortened(limits)}', which are none";
        return InTotals(result, devices, asked) ?? InEach(result, devices, asked);
    }

    private static string? InEach(CaseResult result, DeviceList? devices, IReadOnlyDictionary<string, long>? asked)
    {
        var told = result.Devices ?? [];
        if (told.Count == 0 && asked is null) return null;
        if (told.Count > Known.MostDevices) return $"tells of {told.Count} devices";
        var (listed, seen) = (devices?.ToDictionary(device => device.NameInList), new HashSet<string>());
        foreach (var one in told)
        {
            if (!seen.Add(one.Device)) return $"tells of {NameList.Shortened(one.Device)} twice";
            // What stays on the disk takes no memory, and has no limit.
            if (one.Device != Disk && InOne(one, result, listed, asked) is { } problem) return problem;
        }

        // A map's load tells of each of its devices, of which some have limits. A module of TorchSharp's has its own way onto a GPU.
        var isOfMap = result is { Strategy: DeviceMapStrategy, Engine: null or EngineNames.Native } && result.Outcome.Lives();
        return isOfMap && asked is not null && listed?.Keys.FirstOrDefault(name => name != Disk && !seen.Contains(name)) is { } untold ? $"is {result.Outcome.Name()}, and tells nothing of {untold}" : null;
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

    private static string? InOne(DevicePeak one, CaseResult result, Dictionary<string, Device>? listedDevices, IReadOnlyDictionary<string, long>? asked)
    {
        var name = NameList.Shortened(one.Device);
        if (one.LimitBytes is not { } limit) return $"tells of {name}, and of no limit there";
        // Into a module of TorchSharp's that goes onto a GPU, weights are loaded on the cpu.
        if ((one.Device == Device.Cpu.NameInList ? Device.Cpu : listedDevices?.GetValueOrDefault(one.Device)) is not { } listed) return $"tells of {name}, onto which it does not load";
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
