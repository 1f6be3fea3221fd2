using System.CommandLine;
using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline run</c>: the budgets of a file, or every strategy on one checkpoint.</summary>
internal static class RunCommand
{
    public static Command Create(HarnessServices services)
    {
        var checkpoint = CommandOptions.Path("CHECKPOINT", "run every strategy on this file or folder instead of the budgets", ArgumentArity.ZeroOrOne);
        var budgets = new Option<string?>("--budgets") { Description = "the budget file; by default budgets.json here or at the repository's root", HelpName = "FILE" };
        var runtime = CommandOptions.Runtime();
        var filter = new Option<string?>("--filter") { Description = "only cases with this text in their name", HelpName = "TEXT" };
        var results = new Option<string?>("--results") { Description = "write the results as JSON", HelpName = "FILE" };
        var cap = CommandOptions.Cap();
        var device = CommandOptions.Device();
        var parallel = new Option<int>("--parallel") { Description = "cases at once; those that share a checkpoint take turns", HelpName = "N", DefaultValueFactory = _ => 1 };

        parallel.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var n) && n > 0)) result.AddError($"--parallel '{token.Value}' is not a number from 1 on");
        });
        var command = new Command("run", "Run loads in containers with a hard RAM cap and hold them against their budgets.")
        {
            checkpoint, budgets, cap, device, runtime, filter, results, parallel,
        };
        command.Validators.Add(result =>
        {
            // A misspelt option was taken for the checkpoint, and that is the error to report.
            if (result.GetResult(checkpoint) is { Tokens: [var token] } && CommandOptions.LooksLikeOption(token.Value)) return;
            var own = result.GetValue(checkpoint) is not null;
            if (own && result.GetResult(cap) is null) result.AddError("a checkpoint needs a cap to run under, as in --cap 2GiB");
            else if (own && result.GetResult(budgets) is not null) result.AddError("--budgets has its own checkpoints: give one or the other");
            else if (!own && result.GetResult(cap) is not null) result.AddError("--cap needs a checkpoint: the cases of a budget file have their own caps");
            else if (!own && result.GetResult(device) is { Implicit: false }) result.AddError("--device needs a checkpoint: the cases of a budget file have their own devices");
        });
        command.SetAction((parse, cancellation) =>
        {
            var options = new RunOptions(parse.GetValue(runtime) ?? RuntimeChooser.Auto, parse.GetValue(filter), parse.GetValue(results), parse.GetValue(parallel));
            var run = new BudgetRun(services, options);
            return parse.GetValue(checkpoint) is { } path
                ? run.EveryStrategyAsync(path, parse.GetValue(cap)!.Value, parse.GetValue(device)!, cancellation)
                : run.BudgetsAsync(parse.GetValue(budgets), cancellation);
        });
        return command;
    }
}

/// <summary>What both forms of <c>run</c> take.</summary>
/// <param name="Runtime">A name of <see cref="Runtimes.RuntimeChooser.Names"/>.</param>
/// <param name="Filter">A part of the names of cases, or null for all.</param>
/// <param name="Results">Where to write the results, or null.</param>
/// <param name="Parallel">Cases at once.</param>
internal sealed record RunOptions(string Runtime, string? Filter, string? Results, int Parallel);
