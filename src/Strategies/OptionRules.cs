using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Strategies;

/// <summary>What makes no sense among the options of a load.</summary>
internal static class OptionRules
{
    /// <summary>The options themselves.</summary>
    /// <exception cref="ArgumentException">Something in them makes no sense.</exception>
    public static LoadOptions Validated(this LoadOptions options)
    {
        options.RequireAll();
        var strategy = StrategyCatalog.Find(options.Strategy);
        if (options.DeviceMap is not null && !strategy.NeedsMap) throw new ArgumentException($"{options.Strategy} loads onto one device and takes no map: only device-map does");
        if (!EngineNames.All.Contains(options.Engine)) throw EngineNames.Unknown(options.Engine);
        RequireLoadable(options.Device);
        foreach (var device in options.Devices.Where(d => d != Device.Disk)) RequireLoadable(device);
        options.RequireRing();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Readers, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Readers, ReadSizes.MostReaders);
        _ = options.Names.Validated();
        return options;
    }

    // The compiler warns of a null and lets any number be cast; binders of configuration files are not even warned.
    public static void RequireAll(this LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.Strategy);
        ArgumentNullException.ThrowIfNull(options.Device);
        ArgumentNullException.ThrowIfNull(options.Engine);
        ArgumentNullException.ThrowIfNull(options.Names);
        if (!Enum.IsDefined(options.Reads)) throw new ArgumentException($"{options.Reads} is no {nameof(ReadMode)}: use {string.Join(", ", Enum.GetNames<ReadMode>())}");
    }

    /// <summary>A ring that a machine may have.</summary>
    /// <exception cref="ArgumentException">It is smaller than any, or larger.</exception>
    public static void RequireRing(this LoadOptions options)
    {
        if (options.RingBytes < LoadOptions.SmallestRingBytes)
        {
            throw new ArgumentException($"a ring of {ByteSize.Format(options.RingBytes)} is too small: give it {ByteSize.Format(LoadOptions.SmallestRingBytes)} or more");
        }

        if (options.RingBytes <= ReadSizes.LargestRingBytes) return;
        throw new ArgumentException($"a ring of {ByteSize.Format(options.RingBytes)} is more than any machine has: give it {ByteSize.Format(ReadSizes.LargestRingBytes)} or less");
    }

    private static void RequireLoadable(Device device)
    {
        var problem = device.Kind switch
        {
            DeviceKind.Meta => "meta is no device to load onto: its tensors have no memory",
            DeviceKind.Disk => $"disk is no device to load onto: weights stay on the disk by {nameof(LoadOptions.DeviceMap)} of device-map, or mapped by mmap-assign on the CPU",
            DeviceKind.Sim when device.CapacityBytes <= 0 => $"a simulated accelerator of {device.CapacityBytes} bytes holds nothing: give it a capacity",
            DeviceKind.Cuda when device.Index < 0 => $"cuda:{device.Index} is no GPU: they are numbered from 0",
            DeviceKind.Cpu when device != Device.Cpu => $"the host has neither a number nor a capacity of its own: use {nameof(Device)}.{nameof(Device.Cpu)}",
            DeviceKind.Cuda when device.CapacityBytes != 0 => $"{device} has the capacity that it has: use {nameof(Device)}.{nameof(Device.Cuda)}({device.Index})",
            DeviceKind.Cpu or DeviceKind.Sim or DeviceKind.Cuda => null,
            _ => $"{(int)device.Kind} is no {nameof(DeviceKind)}",
        };
        if (problem is not null) throw new ArgumentException(problem);
    }
}
