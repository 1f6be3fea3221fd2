namespace Loadline.Gauges;

/// <summary>What a cgroup shows at one moment.</summary>
/// <param name="UnreclaimableBytes">Anonymous and shared memory.</param>
/// <param name="CacheBytes">Page cache without shared memory.</param>
/// <param name="ShmemBytes">Shared memory alone.</param>
/// <param name="FaultedBytes">The most anonymous memory that page faults can have brought since the cgroup was made; null where huge pages make that unknown.</param>
/// <param name="PeakBytes">The highest charge since the cgroup was made; null where the kernel keeps none.</param>
internal readonly record struct CgroupReading(long UnreclaimableBytes, long CacheBytes, long ShmemBytes, long? FaultedBytes, long? PeakBytes)
{
    /// <summary>The same by class.</summary>
    public MemoryClasses Classes { get; init; }

    /// <summary>
    /// What is charged and stands in no class: memory that no process has mapped any more and something of the kernel's keeps, as a pipe after <c>vmsplice</c>, or buffers that
    /// were registered with <c>io_uring</c>. The lower of two charges, around the other counters; null where the kernel does not say what it takes itself.
    /// </summary>
    public long? ParkedBytes { get; init; }

    /// <summary>Bytes of pages that were read again after they had been dropped; null where the kernel does not count them.</summary>
    public long? RefaultedBytes { get; init; }
}
