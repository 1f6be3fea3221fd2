using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Budgets;

/// <summary>What a member of a case belongs to. Where that is not, the member is refused.</summary>
[Flags]
internal enum CaseScope
{
    /// <summary>Any case.</summary>
    Any = 0,

    /// <summary>A case that the worker runs, and no other program.</summary>
    Worker = 1,

    /// <summary>The strategy that places by a map.</summary>
    Map = 2,

    /// <summary>A case that computes a forward.</summary>
    Forward = 4,

    /// <summary>A case that is expected to come to its end with its weights in place: of others it is never measured.</summary>
    Lives = 8,
}

/// <summary>A member of a case in a budget file.</summary>
/// <param name="Name">As the file and the results have it.</param>
/// <param name="Read">Takes it out of the file, in its type, into the case.</param>
internal sealed record CaseMember(string Name, Func<BudgetCase, MemberReader, BudgetCase> Read)
{
    /// <summary>What it belongs to.</summary>
    public CaseScope Scope { get; init; }

    /// <summary>Whether a run with another value is another load, with which nothing is compared.</summary>
    public bool Alters { get; init; }

    /// <summary>What its absence means, in words.</summary>
    public string Default { get; init; } = "none";

    /// <summary>How it reaches the worker: its option.</summary>
    public string? Option { get; init; }

    /// <summary>The option's value; null where there is none to give.</summary>
    public Func<BudgetCase, string?>? Argument { get; init; }
}

/// <summary>
/// The members of a case, once: the reader, its rules, the worker's arguments, the comparison of two runs and the test of budgets.schema.json all go by this
/// list. Beside it a member has its property in <see cref="BudgetCase"/> and in the results.
/// </summary>
internal static class CaseMembers
{
    /// <summary>All of them, in the order of the results.</summary>
    public static IReadOnlyList<CaseMember> All { get; } =
    [
        new("name", (budget, json) => budget with { Name = json.RequireText("name") }),
        new("checkpoint", (budget, json) => budget with { Checkpoint = json.OneOf("checkpoint", json.Checkpoints) ?? json.RequireText("checkpoint") }) { Alters = true },
        new("strategy", (budget, json) => budget with { Strategy = json.OneOf("strategy", [.. StrategyCatalog.All.Select(s => s.Name)]) })
        {
            Scope = CaseScope.Worker, Alters = true,
        },
        new("device", (budget, json) => budget with { Device = json.Text("device") }) { Scope = CaseScope.Worker },
        new("cap", (budget, json) => budget with { CapBytes = json.Size("cap") ?? throw json.Error("member 'cap' is missing") }),
        new("expect", (budget, json) => budget with { Expect = Expectation(json) }),
        new("why", (budget, json) => budget with { Why = json.RequireText("why") }),
        new("peakAnonymous", (budget, json) => budget with { PeakAnonymousBytes = json.Size("peakAnonymous") }) { Scope = CaseScope.Lives },
        new("peakHost", (budget, json) => budget with { PeakHostBytes = json.Size("peakHost") }) { Scope = CaseScope.Worker | CaseScope.Lives },
        new("peakDevice", (budget, json) => budget with { PeakDeviceBytes = json.Size("peakDevice") }) { Scope = CaseScope.Worker | CaseScope.Lives },
        new("engine", (budget, json) => budget with { Engine = json.OneOf("engine", Known.Engines) })
        {
            Scope = CaseScope.Worker, Default = EngineNames.Native, Option = "--engine", Argument = budget => budget.Engine,
        },
        new("image", (budget, json) => budget with { Image = json.Text("image") }) { Alters = true },
        new("gpus", (budget, json) => budget with { Gpus = json.OptionalWhole("gpus") }),
        new("dtype", (budget, json) => budget with { DType = json.Text("dtype") })
        {
            Scope = CaseScope.Worker, Alters = true, Option = "--dtype", Argument = budget => budget.DType,
        },
        new("verify", (budget, json) => budget with { Verify = json.OneOf("verify", Known.Verifications) })
        {
            Scope = CaseScope.Worker, Alters = true, Option = "--verify", Argument = budget => budget.Verify,
        },
        new("passes", (budget, json) => budget with { Passes = json.OptionalWhole("passes") ?? 0 })
        {
            Scope = CaseScope.Worker, Option = "--passes", Argument = budget => budget.Passes > 0 ? $"{budget.Passes}" : null,
        },
        new("use", (budget, json) => budget with { Use = json.OneOf("use", WeightUses.Names) })
        {
            Scope = CaseScope.Worker, Alters = true, Default = "read", Option = "--use", Argument = budget => budget.Use,
        },
        new("reread", (budget, json) => budget with { Reread = json.Number("reread") }) { Scope = CaseScope.Worker | CaseScope.Lives },
        new("heads", (budget, json) => budget with { Heads = json.OptionalWhole("heads") })
        {
            Scope = CaseScope.Worker | CaseScope.Forward, Alters = true, Option = "--heads", Argument = budget => budget.Heads is { } heads ? $"{heads}" : null,
        },
        new("resident", (budget, json) => budget with { ResidentBytes = json.Size("resident") })
        {
            Scope = CaseScope.Worker | CaseScope.Forward, Alters = true, Option = "--resident", Argument = budget => Exact(budget.ResidentBytes),
        },
        new("ring", (budget, json) => budget with { RingBytes = json.Size("ring") })
        {
            Scope = CaseScope.Worker, Alters = true, Option = "--ring", Argument = budget => Exact(budget.RingBytes),
        },
        new("processes", (budget, json) => budget with { Processes = json.OptionalWhole("processes") ?? 1 })
        {
            Scope = CaseScope.Worker, Alters = true, Default = "1", Option = "--processes", Argument = budget => budget.Processes > 1 ? $"{budget.Processes}" : null,
        },
        new("map", (budget, json) => budget with { Map = json.Text("map") is { } map ? MapArguments.Absolute(map, json.Folder) : null })
        {
            Scope = CaseScope.Worker | CaseScope.Map, Alters = true, Option = "--map", Argument = budget => budget.Map,
        },
        new("maxMemory", (budget, json) => budget with { MaxMemory = json.Text("maxMemory") })
        {
            Scope = CaseScope.Worker | CaseScope.Map, Alters = true, Option = "--max-memory", Argument = budget => budget.MaxMemory,
        },
        new("noSplit", (budget, json) => budget with { NoSplit = json.Text("noSplit") })
        {
            Scope = CaseScope.Worker | CaseScope.Map, Alters = true, Option = "--no-split", Argument = budget => budget.NoSplit,
        },
        new("timeout", (budget, json) => budget with { Timeout = json.Duration("timeout") ?? BudgetCase.DefaultTimeout }),
        new("command", (budget, json) => budget with { Command = json.Texts("command") }) { Alters = true, Default = "" },
    ];

    /// <summary>The names of those that belong to something.</summary>
    public static IEnumerable<string> Of(CaseScope scope) => All.Where(member => member.Scope.HasFlag(scope)).Select(member => member.Name);

    private static string? Exact(long? bytes) => bytes is { } value ? ByteSize.FormatExact(value) : null;

    private static Outcome Expectation(MemberReader json)
    {
        var name = json.OneOf("expect", [.. Outcomes.Expectable.Select(o => o.Name())]) ?? throw json.Error("member 'expect' is missing");
        return Outcomes.Expectable.First(o => o.Name() == name);
    }
}
