using Loadline.Checkpoints;

namespace Loadline.Strategies;

/// <summary>A device is full. What the load had allocated was freed again before this was thrown to the caller of <see cref="Loader"/>.</summary>
public sealed class DeviceOutOfMemoryException(Device device, long requestedBytes, long freeBytes, long totalBytes) : Exception(
    $"{device} is out of memory: asked for {ByteSize.Format(requestedBytes)}, {ByteSize.Format(freeBytes)} free of {ByteSize.Format(totalBytes)}")
{
    /// <summary>The device that is full.</summary>
    public Device Device { get; } = device;

    /// <summary>What was asked for.</summary>
    public long RequestedBytes { get; } = requestedBytes;

    /// <summary>What was free.</summary>
    public long FreeBytes { get; } = freeBytes;

    /// <summary>All that the device has: a simulated one's capacity.</summary>
    public long TotalBytes { get; } = totalBytes;
}
