namespace Loadline.Gauges;

/// <summary>A reading of all gauges at one moment.</summary>
/// <param name="TimestampSeconds">Since the <see cref="Sampler"/> was made.</param>
/// <param name="AnonBytes">RssAnon of the process.</param>
/// <param name="FileBytes">RssFile of the process: mapped pages of files, which can be reclaimed.</param>
/// <param name="ShmemBytes">RssShmem of the process.</param>
/// <param name="CgroupBytes">What the cgroup is charged with, page cache included; null where there is none.</param>
/// <param name="HostBytes">The engine's count of host memory.</param>
/// <param name="DeviceBytes">The engine's count of accelerator memory.</param>
internal readonly record struct MemorySample(
    double TimestampSeconds, long AnonBytes, long FileBytes, long ShmemBytes, long? CgroupBytes, long HostBytes, long DeviceBytes)
{
    /// <summary>What no kernel can reclaim without swap: anonymous and shared memory.</summary>
    public long UnreclaimableBytes => AnonBytes + ShmemBytes;
}
