namespace Loadline.Cuda;

/// <summary>A device's memory by its driver's figures, which count all processes, contexts and the allocator's rounding.</summary>
/// <param name="FreeBytes">What nobody holds. Not all of it can be had in one piece.</param>
/// <param name="TotalBytes">All there is.</param>
internal readonly record struct DeviceMemory(long FreeBytes, long TotalBytes)
{
    public long UsedBytes => TotalBytes - FreeBytes;
}
