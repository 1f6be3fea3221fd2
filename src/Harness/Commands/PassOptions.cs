using System.CommandLine;
using Loadline.Harness.Budgets;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary>The options that say how often weights are used after a load, and how.</summary>
internal sealed class PassOptions
{
    /// <param name="otherwise">How often without <c>--passes</c>, in words.</param>
    public PassOptions(string otherwise = "not at all")
    {
        Passes = CommandOptions.Count("--passes", $"use all weights so often after the load, and say what each use read from the disk again; by default {otherwise}", BudgetRules.MostPasses);
        Use = CommandOptions.OneOf("--use", "what a pass does: every byte read once, or a forward", "use", WeightUses.Names);
    }

    public Option<int?> Passes { get; }

    public Option<string?> Use { get; }

    /// <summary>Adds them to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="areImplied">Whether it uses weights anyway, so that <c>--use</c> may stand alone.</param>
    public PassOptions AddTo(Command command, bool areImplied = false)
    {
        command.Options.Add(Passes);
        command.Options.Add(Use);
        command.Check(result =>
        {
            if (!areImplied && result.GetResult(Use) is not null && result.GetResult(Passes) is null)
                result.AddError("--use says what a pass does: it needs --passes, as in --passes 3");
        });
        return this;
    }

    /// <summary>What was asked for.</summary>
    public PassChoice Of(ParseResult parse, int otherwise = 0) => new(parse.GetValue(Passes) ?? otherwise, parse.GetValue(Use));

    /// <summary>Whether a forward was asked for.</summary>
    public bool IsForward(System.CommandLine.Parsing.CommandResult result) =>
        result.GetResult(Use) is { Tokens: [{ Value: Known.Forward }] };
}

/// <summary>How often weights are used after a load, and how.</summary>
/// <param name="Count">0 for not at all.</param>
/// <param name="Use">A name of <see cref="WeightUses.Names"/>; null reads.</param>
internal readonly record struct PassChoice(int Count, string? Use);
