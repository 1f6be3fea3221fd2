using Loadline.Checkpoints;
using Loadline.Strategies.Gauges;

namespace Loadline.Strategies.Planning;

/// <summary>RAM that a load may take, its process included, and where that figure comes from.</summary>
/// <param name="Bytes">How much.</param>
/// <param name="Why">For people: "the container's limit of 2 GiB (the machine has 24 GiB)".</param>
public sealed record HostRam(long Bytes, string Why)
{
    /// <summary>So much as somebody says.</summary>
    public static HostRam Of(long bytes) => new(bytes, $"{ByteSize.Format(bytes)} of RAM");

    /// <summary>
    /// What is free at this moment: of the container's limit and of all limits above it, less what is held there already, and never more than the machine
    /// has available. A worker's own memory is not free, but is part of what a load takes.
    /// </summary>
    /// <param name="root">A folder that holds a copy of /proc and /sys; empty for the real ones.</param>
    /// <exception cref="GaugeException">It cannot be read: a guess would plan for memory that is not there.</exception>
    public static HostRam Here(string root = "")
    {
        var (limit, physical) = (MemoryLimit.Effective(root), MemoryLimit.PhysicalBytes(root));
        var free = Math.Min(MemoryLimit.Free(root) + OwnBytes(), limit);
        return new(free, limit < physical
            ? $"{ByteSize.Format(free)} free of the container's limit of {ByteSize.Format(limit)} (the machine has {ByteSize.Format(physical)})"
            : $"{ByteSize.Format(free)} free of the machine's {ByteSize.Format(physical)}");
    }

    // What a plan counts for the worker is there already in part, and must not be taken off twice.
    private static long OwnBytes()
    {
        using var process = ProcessMemory.Open();
        var held = process.Read();
        return Math.Min(held.AnonBytes + held.ShmemBytes, WorkerMemory.OwnBytes);
    }
}
