using Loadline.Gauges;

namespace Loadline.Tensors;

/// <summary>A device is full. What the load had allocated was freed again before this was thrown to whoever loads.</summary>
/// <param name="device">The device; the host too, where the system refuses memory instead of killing for it.</param>
/// <param name="requestedBytes">What was asked for.</param>
/// <param name="freeBytes">What was free.</param>
/// <param name="totalBytes">What there is in all; null for the device's capacity.</param>
public sealed class DeviceOutOfMemoryException(Device device, long requestedBytes, long freeBytes, long? totalBytes = null) : Exception(
    $"{device} is out of memory: asked for {ByteSize.Format(requestedBytes)}, {ByteSize.Format(freeBytes)} free of {ByteSize.Format(totalBytes ?? device.CapacityBytes)}")
{
    /// <summary>The device that is full.</summary>
    public Device Device { get; } = device;

    /// <summary>What was asked for.</summary>
    public long RequestedBytes { get; } = requestedBytes;

    /// <summary>What was free.</summary>
    public long FreeBytes { get; } = freeBytes;

    /// <summary>All that there is.</summary>
    public long TotalBytes { get; } = totalBytes ?? device.CapacityBytes;

    /// <summary>
    /// The system refuses memory. A cap would kill instead: this is a limit of addresses (ulimit -v), or a system that promises no more than it has
    /// (overcommit_memory 2).
    /// </summary>
    internal static DeviceOutOfMemoryException OnHost(long requestedBytes) => new(Device.Cpu, requestedBytes, MemoryLimit.Free(), MemoryLimit.Effective());
}
