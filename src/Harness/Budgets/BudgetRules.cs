using Loadline.DeviceMaps;
using Loadline.Strategies;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Budgets;

/// <summary>What the members of a case must be to each other.</summary>
internal static class BudgetRules
{
    private const int MostProcesses = 64;

    /// <summary>Of one case: each is told in one report.</summary>
    public const int MostPasses = 64;

    public static void Check(BudgetCase budget, MemberReader members)
    {
        if (budget.Command.IsEmpty) CheckLoad(budget, members);
        else if (CaseMembers.Of(CaseScope.Worker).FirstOrDefault(name => members.Find(name) is not null && !IsOfOwnProgram(budget, name)) is { } name)
        {
            throw members.ErrorAt(name, $"{name} is the worker's, and command runs another program");
        }

        if (!budget.Command.IsEmpty && budget.Command[0] == BudgetCase.WorkerProgram && budget.Engine is null)
        {
            throw members.ErrorAt("command", $"{BudgetCase.WorkerProgram} needs \"engine\": \"{EngineNames.TorchSharp}\", whose program has commands");
        }

        if (budget.Command.IsEmpty && budget.Processes != 1) CheckProcesses(budget, members);
        CheckPasses(budget, members);
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

        if (budget.Expect?.Lives() == true) return;
        foreach (var name in CaseMembers.Of(CaseScope.Lives))
        {
            if (members.Find(name) is not null) throw members.ErrorAt(name, $"{name} is never measured where expect is {budget.Expect?.Name()}");
        }
    }

    // The engine says which program {worker} is; of all engines' programs one alone has commands.
    private static bool IsOfOwnProgram(BudgetCase budget, string member) =>
        member == "engine" && budget is { Engine: EngineNames.TorchSharp } && budget.Command[0] == BudgetCase.WorkerProgram;

    private static void CheckProcesses(BudgetCase budget, MemberReader members)
    {
        if (budget.Processes is < 1 or > MostProcesses) throw members.ErrorAt("processes", $"processes must be from 1 to {MostProcesses}");
        if (budget.Device != "cpu") throw members.ErrorAt("processes", "several processes share the host's memory: processes needs device cpu");
        // Weights that are mapped and never read would prove nothing.
        if (budget.Verify != Known.Digest) throw members.ErrorAt("processes", "processes needs verify: digest: each has to read all of its weights while the others hold theirs");
        var leastBytes = budget.Processes * BudgetReader.FloorBytes;
        if (budget.CapBytes >= leastBytes) return;
        throw members.ErrorAt("cap", $"cap {ByteSize.Format(budget.CapBytes)} is below the floor of {budget.Processes} processes, {ByteSize.Format(leastBytes)}");
    }

    private static void CheckPasses(BudgetCase budget, MemberReader members)
    {
        if (members.Find("passes") is not null && budget.Passes is < 1 or > MostPasses) throw members.ErrorAt("passes", $"passes must be from 1 to {MostPasses}");
        if (budget.Passes > 0 && budget.Processes > 1) throw members.ErrorAt("passes", "passes are of one process: leave out processes");
        if (budget.Use is not null && budget.Passes == 0) throw members.ErrorAt("use", "use says what a pass does: it needs passes");
        // The first pass reads what nobody has read before.
        if (budget.Reread is not null && budget.Passes < 2) throw members.ErrorAt("reread", "reread is of the passes after the first: it needs passes of at least 2");
        if (budget.Expect == Outcome.Thrashed && budget.Reread is null) throw members.ErrorAt("expect", "thrashed means more than reread allows: it needs reread");
    }

    private static void CheckLoad(BudgetCase budget, MemberReader members)
    {
        if (budget.Strategy is null) throw members.Error("member 'strategy' is missing");
        if (budget.Device is null) throw members.Error("member 'device' is missing");
        if (budget.DType is not null && Known.DTypeProblem(budget.DType) is { } wrong) throw members.ErrorAt("dtype", wrong);
        if (budget.Strategy != "device-map" && CaseMembers.Of(CaseScope.Map).FirstOrDefault(name => members.Find(name) is not null) is { } member)
        {
            throw members.ErrorAt(member, $"{member} is for strategy device-map, and {budget.Strategy} loads onto one device");
        }

        if ((budget.Strategy == "device-map" ? Known.DevicesProblem(budget.Device) : Known.DeviceProblem(budget.Device)) is { } problem) throw members.ErrorAt("device", problem);
        if (budget.Engine == EngineNames.TorchSharp && budget.Device.StartsWith("sim", StringComparison.Ordinal))
        {
            throw members.ErrorAt("device", $"a module of TorchSharp's goes onto cpu or cuda:N, not onto {budget.Device}");
        }

        if (budget.Computes && budget.Device != "cpu" && budget.Engine != EngineNames.TorchSharp)
        {
            throw members.ErrorAt(budget.Verify == Known.Forward ? "verify" : "use", $"forward computes on the cpu, not on {budget.Device}");
        }

        if (!budget.Computes && CaseMembers.Of(CaseScope.Forward).FirstOrDefault(name => members.Find(name) is not null) is { } name)
        {
            throw members.ErrorAt(name, $"{name} is for a case with verify: {Known.Forward}, or use: {Known.Forward}");
        }

        if (budget.Heads == 0) throw members.ErrorAt("heads", "heads must be at least 1");
        if (budget.MaxMemory is not null && Known.MaxMemoryProblem(budget.MaxMemory) is { } unlimited) throw members.ErrorAt("maxMemory", unlimited);
        try
        {
            _ = budget.Options();
        }
        catch (DeviceMapException e)
        {
            throw members.ErrorAt("map", e.Message);
        }

        if (budget.Gpus < budget.NeededGpus) throw members.ErrorAt("gpus", $"device {budget.Device} needs {budget.NeededGpus} GPUs, and gpus gives {budget.Gpus}: leave it out");
        if (budget.RingBytes < LoadOptions.SmallestRingBytes) throw members.ErrorAt("ring", $"ring must be at least {ByteSize.Format(LoadOptions.SmallestRingBytes)}");
        if (budget.RingBytes > ReadSizes.LargestRingBytes) throw members.ErrorAt("ring", $"ring must be at most {ByteSize.Format(ReadSizes.LargestRingBytes)}, which is more than any machine has");
    }
}
