using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Harness.Budgets;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Runs;

/// <summary>
/// The lowest cap that a load is safe under, from its checkpoint's header: what a killed one would have needed. In whole MiB, rounded up: what is printed
/// is what can be typed.
/// </summary>
internal static class PlannedCap
{
    /// <summary>Null for another program's load, for several processes or devices, for the strategy that chooses by the cap, and for a checkpoint that cannot be read.</summary>
    public static long? Of(BudgetCase budget, string path)
    {
        if (budget.Strategy is null || budget.Processes > 1 || budget.Device!.Contains(',')) return null;
        try
        {
            using var checkpoint = Checkpoint.Open(path, budget.Names);
            var planned = Planner.Plan(checkpoint, budget.Options(), new MemoryLimits(long.MaxValue, long.MaxValue)).Strategies;
            return planned.FirstOrDefault(s => s.Strategy == budget.Strategy) is { } own ? InMebibytes(WorkerMemory.Of(budget.Engine).CapFor(own.HostBytes)) : null;
        }
        catch (Exception e) when (e is CheckpointException or DeviceMapException or FormatException or OverflowException)
        {
            // The run itself says what is wrong.
            return null;
        }
    }

    /// <summary>A cap in whole MiB, rounded up.</summary>
    public static long InMebibytes(long bytes) => (bytes + ByteSize.MiB - 1) / ByteSize.MiB * ByteSize.MiB;
}
