using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Planning;

namespace Loadline.Harness.Budgets;

/// <summary>What the members of a case must be to each other.</summary>
internal static class BudgetRules
{
    private static readonly string[] WorkerMembers = ["strategy", "device", "engine", "verify", "ring", "peakHost", "peakDevice"];
    private static readonly string[] MeasuredMembers = ["peakAnonymous", "peakHost", "peakDevice"];

    public static void Check(BudgetCase budget, MemberReader members)
    {
        if (budget.Command.IsEmpty) CheckLoad(budget, members);
        else if (Array.Find(WorkerMembers, name => members.Find(name) is not null) is { } name)
        {
            throw members.ErrorAt(name, $"{name} is the worker's, and command runs another program");
        }

        // Of another program nobody knows the floor.
        var floorBytes = budget.Command.IsEmpty ? WorkerMemory.Of(budget.Engine).FloorBytes : BudgetReader.FloorBytes;
        if (budget.CapBytes < floorBytes)
        {
            throw members.ErrorAt("cap", $"cap {ByteSize.Format(budget.CapBytes)} is below the floor of {ByteSize.Format(floorBytes)}, where the worker thrashes instead of loading");
        }

        foreach (var (name, bytes) in new[] { ("peakAnonymous", budget.PeakAnonymousBytes), ("peakHost", budget.PeakHostBytes) })
        {
            if (bytes > budget.CapBytes) throw members.ErrorAt(name, $"{name} {ByteSize.Format(bytes.Value)} is above the cap of {ByteSize.Format(budget.CapBytes)}");
        }

        if (budget.Expect == Outcome.Loaded) return;
        foreach (var name in MeasuredMembers)
        {
            if (members.Find(name) is not null) throw members.ErrorAt(name, $"{name} is never measured where expect is {budget.Expect?.Name()}");
        }
    }

    private static void CheckLoad(BudgetCase budget, MemberReader members)
    {
        if (budget.Strategy is null) throw members.Error("member 'strategy' is missing");
        if (budget.Device is null) throw members.Error("member 'device' is missing");
        if (Known.DeviceProblem(budget.Device) is { } problem) throw members.ErrorAt("device", problem);
        if (budget.RingBytes < LoadOptions.SmallestRingBytes) throw members.ErrorAt("ring", $"ring must be at least {ByteSize.Format(LoadOptions.SmallestRingBytes)}");
    }
}
