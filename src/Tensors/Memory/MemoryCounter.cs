namespace Loadline.Tensors.Memory;

/// <summary>The engine's own count of what it allocated: exact to the byte and repeatable, which no gauge of the kernel's is.</summary>
internal sealed class MemoryCounter
{
    private readonly Lock _lock = new();

    /// <summary>Bytes allocated and not yet freed.</summary>
    public long CurrentBytes { get; private set; }

    /// <summary>The highest <see cref="CurrentBytes"/> there was.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Whether the count has never been higher than now.</summary>
    public bool IsAtPeak => CurrentBytes == PeakBytes && PeakBytes > 0;

    internal void Add(long bytes)
    {
        lock (_lock)
        {
            CurrentBytes = checked(CurrentBytes + bytes);
            PeakBytes = Math.Max(PeakBytes, CurrentBytes);
        }
    }

    /// <summary>Takes <paramref name="bytes"/> out of a fixed capacity, or says what is left of it.</summary>
    internal bool TryAdd(long bytes, long capacityBytes, out long freeBytes)
    {
        lock (_lock)
        {
            freeBytes = capacityBytes - CurrentBytes;
            if (bytes > freeBytes) return false;
            Add(bytes);
            return true;
        }
    }

    internal void Subtract(long bytes)
    {
        lock (_lock) CurrentBytes -= bytes;
    }
}
