using Loadline.Gauges;
using Loadline.Tensors.Engines;

namespace Loadline.Tensors.Limits;

/// <summary>RAM that a load may take, its process included, and where that figure comes from.</summary>
/// <param name="Bytes">How much.</param>
/// <param name="Why">For people: "the container's limit of 2 GiB (the machine has 24 GiB)".</param>
public sealed record HostRam(long Bytes, string Why)
{
    private static WorkerMemory NativeWorker => WorkerMemory.Of(EngineNames.Native);

    /// <summary>What the process itself takes of it.</summary>
    public WorkerMemory Worker { get; private init; } = NativeWorker;

    /// <summary>So much as somebody says.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="worker">What the process takes itself; null for that of the native engine.</param>
    public static HostRam Of(long bytes, WorkerMemory? worker = null) => new(bytes, $"{ByteSize.Format(bytes)} of RAM") { Worker = worker ?? NativeWorker };

    /// <summary>
    /// What is free at this moment: of the container's limit and of all limits above it, less what is held there already, and never more than the machine
    /// has available. A worker's own memory is not free, but is part of what a load takes.
    /// </summary>
    /// <param name="worker">What the process takes itself; null for that of the native engine.</param>
    /// <param name="root">A folder that holds a copy of /proc and /sys; empty for the real ones.</param>
    /// <exception cref="GaugeException">It cannot be read: a guess would plan for memory that is not there.</exception>
    public static HostRam Here(WorkerMemory? worker = null, string root = "")
    {
        worker ??= NativeWorker;
        var (limit, physical) = (MemoryLimit.Effective(root), MemoryLimit.PhysicalBytes(root));
        var free = Math.Min(MemoryLimit.Free(root) + HeldOf(worker), limit);
        var why = limit < physical
            ? $"{ByteSize.Format(free)} free of the container's limit of {ByteSize.Format(limit)} (the machine has {ByteSize.Format(physical)})"
            : $"{ByteSize.Format(free)} free of the machine's {ByteSize.Format(physical)}";
        return new(free, why) { Worker = worker };
    }

    // What a plan counts for the worker is there already in part, and must not be taken off twice.
    private static long HeldOf(WorkerMemory worker)
    {
        using var process = ProcessMemory.Open();
        var held = process.Read();
        return Math.Min(held.AnonBytes + held.ShmemBytes, worker.OwnBytes);
    }
}
