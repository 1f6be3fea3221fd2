using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Maps;

namespace Loadline.Harness.Budgets;

/// <summary>What the members of a case must be to each other.</summary>
internal static class BudgetRules
{
    private static readonly string[] WorkerMembers = ["strategy", "device", "engine", "verify", "ring", "map", "maxMemory", "noSplit", "peakHost", "peakDevice"];
    private static readonly string[] MapMembers = ["map", "maxMemory", "noSplit"];
    private static readonly string[] MeasuredMembers = ["peakAnonymous", "peakHost", "peakDevice"];

    public static void Check(BudgetCase budget, MemberReader members)
    {
        if (budget.Command.IsEmpty) CheckLoad(budget, members);
        else if (Array.Find(WorkerMembers, name => members.Find(name) is not null) is { } name)
        {
            throw members.ErrorAt(name, $"{name} is the worker's, and command runs another program");
        }

        if (budget.CapBytes < BudgetReader.FloorBytes)
        {
            throw members.ErrorAt("cap", $"cap {ByteSize.Format(budget.CapBytes)} is below the floor of {ByteSize.Format(BudgetReader.FloorBytes)}, where the worker thrashes instead of loading");
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
        if (budget.Strategy != "device-map" && Array.Find(MapMembers, name => members.Find(name) is not null) is { } member)
        {
            throw members.ErrorAt(member, $"{member} is for strategy device-map, and {budget.Strategy} loads onto one device");
        }

        if ((budget.Strategy == "device-map" ? Known.DevicesProblem(budget.Device) : Known.DeviceProblem(budget.Device)) is { } problem) throw members.ErrorAt("device", problem);
        try
        {
            _ = budget.Options();
        }
        catch (FormatException e)
        {
            throw members.ErrorAt("maxMemory", e.Message);
        }
        catch (DeviceMapException e)
        {
            throw members.ErrorAt("map", e.Message);
        }

        if (budget.RingBytes < LoadOptions.SmallestRingBytes) throw members.ErrorAt("ring", $"ring must be at least {ByteSize.Format(LoadOptions.SmallestRingBytes)}");
    }
}
