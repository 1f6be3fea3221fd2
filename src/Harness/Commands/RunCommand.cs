using System.CommandLine;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Services;
using Loadline.Strategies;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline run</c>: the budgets of a file, or every strategy on one checkpoint.</summary>
internal static class RunCommand
{
    public static Command Create(HarnessServices services)
    {
        var checkpoint = CommandOptions.Path("CHECKPOINT", "run every strategy on this file or folder instead of the budgets", ArgumentArity.ZeroOrOne);
        var budgets = CommandOptions.Budgets();
        var runtime = CommandOptions.Runtime();
        var filter = CommandOptions.Filter();
        var strategy = CommandOptions.OneOf("--strategy", "only this one", "strategy", [.. StrategyCatalog.All.Select(s => s.Name)]);
        var results = new Option<string?>("--results") { Description = "write the results as JSON", HelpName = "FILE" };
        var cap = CommandOptions.Cap();
        var device = CommandOptions.Device();
        var dtype = CommandOptions.TargetDType();
        var html = CommandOptions.Html();
        var summary = CommandOptions.Summary();
        var noise = Count("--noise", "run each case this often and record how far its peaks lie apart", "RUNS");
        var parallel = Count("--parallel", "cases at once; those that share a checkpoint take turns", "N");
        var shard = CommandOptions.OneShard();
        var balanceBy = new Option<string?>("--balance-by")
        {
            Description = "cut the shards by the seconds that cases took in these earlier results",
            HelpName = "RESULTS",
        };
        var json = new Option<bool>("--json") { Description = "print what became of COMMAND as JSON; its own output goes to standard error then" };
        var high = CommandOptions.Size("--high", "slow COMMAND down from here on, below the cap: memory.high of cgroup v2 tells slow from dead");
        var program = new ProgramOptions();
        var command = new Command(
            "run",
            "Run loads in containers with a hard RAM cap and hold them against their budgets; or any program under a cap: "
            + $"run --cap SIZE {ProgramOptions.Usage}")
        {
            checkpoint, budgets, cap, device, dtype, runtime, filter, strategy, results, html, summary, noise, parallel, shard, balanceBy, json, high,
        };
        program.AddTo(command);
        var passes = new PassOptions().AddTo(command);
        var names = new NameOptions().AddTo(command);
        command.Check(result =>
        {
            // A misspelt option was taken for the checkpoint, and that is the error to report.
            if (result.GetResult(checkpoint) is { Tokens: [var token] } && CommandOptions.LooksLikeOption(token.Value)) return;
            if (program.AreGiven(result))
            {
                Option[] ofLoads = [budgets, filter, strategy, results, html, summary, noise, parallel, shard, balanceBy, device, dtype];
                var others = Array.Find(ofLoads, o => result.GetResult(o) is { Implicit: false });
                if (result.GetValue(checkpoint) is { } path) result.AddError($"'{path}' stands before --: a checkpoint and a program are two runs");
                else if (result.GetResult(cap) is null) result.AddError("a program needs a cap to run under, as in --cap 2GiB -- python3 load.py");
                else if (result.GetValue(high) is { } slow && slow >= result.GetValue(cap)) result.AddError($"--high {SizeText.InWords(slow)} is not below the cap of {SizeText.InWords(result.GetValue(cap)!.Value)}");
                else if (result.GetResult(high) is not null && result.GetResult(program.Image) is not null) result.AddError("--high is for programs of this machine: container engines do not set memory.high");
                else if (others is not null) result.AddError($"{others.Name} is for loads, and a program runs as it is");
                return;
            }

            if (result.GetResult(high) is not null) result.AddError("--high needs a program behind --, as in -- python3 load.py");
            if (result.GetResult(json) is not null) result.AddError("--json is for a program behind --: loads write --results FILE");
            var own = result.GetValue(checkpoint) is not null;
            if (own && result.GetResult(cap) is null) result.AddError("a checkpoint needs a cap to run under, as in --cap 2GiB");
            else if (own && result.GetResult(shard) is not null) result.AddError("--shard cuts the cases of a budget file: a checkpoint's strategies run on one machine");
            else if (result.GetResult(balanceBy) is not null && result.GetResult(shard) is null) result.AddError("--balance-by is for shards: give --shard, as in --shard 2/4");
            else if (own && result.GetResult(budgets) is not null) result.AddError("--budgets has its own checkpoints: give one or the other");
            else if (!own && result.GetResult(cap) is not null) result.AddError("--cap needs a checkpoint, or a program behind --: the cases of a budget file have their own caps");
            else if (!own && result.GetResult(device) is { Implicit: false }) result.AddError("--device needs a checkpoint: the cases of a budget file have their own devices");
            else if (!own && result.GetResult(dtype) is not null) result.AddError("--dtype needs a checkpoint: the cases of a budget file have their own dtypes");
            else if (!own && result.GetResult(passes.Passes) is not null) result.AddError("--passes needs a checkpoint: the cases of a budget file have their own passes");
            else if (!own && names.AreGiven(result)) result.AddError("names of tensors are chosen for a checkpoint: budgets are for all of theirs");
        });
        command.SetAction(async (parse, cancellation) =>
        {
            if (program.Of(parse) is { } other)
                return await new ProgramRun(services, other with { HighBytes = parse.GetValue(high) }, parse.GetValue(cap)!.Value)
                    .RunAsync(parse.GetValue(runtime) ?? RuntimeChooser.Auto, parse.GetValue(json), cancellation);
            var options = new RunOptions
            {
                Runtime = parse.GetValue(runtime) ?? RuntimeChooser.Auto,
                Filter = parse.GetValue(filter),
                Strategy = parse.GetValue(strategy),
                Results = parse.GetValue(results),
                Html = parse.GetValue(html),
                Summary = parse.GetValue(summary),
                Noise = parse.GetValue(noise),
                Parallel = parse.GetValue(parallel),
                Shard = parse.GetValue(shard),
                BalanceBy = parse.GetValue(balanceBy),
            };
            // Results of an earlier run go before the first case, and the other shards are to be cut by the same.
            if (options.BalanceBy is { } read && new[] { options.Results, options.Html }.OfType<string>().Any(target => OutputTargets.AreOne(read, target)))
                throw new InputException($"{read}: is read: name another file to write");
            var run = new BudgetRun(services, options);
            return parse.GetValue(checkpoint) is { } path
                ? (await run.EveryStrategyAsync(path, parse.GetValue(cap)!.Value, parse.GetValue(device)!, parse.GetValue(dtype), names.Of(parse),
                    passes.Of(parse), cancellation)).ExitCode
                : await run.BudgetsAsync(parse.GetValue(budgets), cancellation);
        });
        return command;
    }

    private static Option<int> Count(string name, string description, string help)
    {
        var option = new Option<int>(name) { Description = description, HelpName = help, DefaultValueFactory = _ => 1 };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var n) && n > 0)) result.AddError($"{name} '{token.Value}' is not a number from 1 on");
        });
        return option;
    }
}

/// <summary>What both forms of <c>run</c> take.</summary>
internal sealed record RunOptions
{
    /// <summary>A name of <see cref="RuntimeChooser.Names"/>.</summary>
    public string Runtime { get; init; } = RuntimeChooser.Auto;

    /// <summary>A part of the names of cases, or null for all.</summary>
    public string? Filter { get; init; }

    /// <summary>The only strategy to run, or null for all.</summary>
    public string? Strategy { get; init; }

    /// <summary>Where to write the results, or null.</summary>
    public string? Results { get; init; }

    /// <summary>Where to write the page, or null.</summary>
    public string? Html { get; init; }

    /// <summary>Whether to print markdown, too.</summary>
    public bool Summary { get; init; }

    /// <summary>How often each case runs.</summary>
    public int Noise { get; init; } = 1;

    /// <summary>Cases at once.</summary>
    public int Parallel { get; init; } = 1;

    /// <summary>The part of the cases to run, or null for all.</summary>
    public Shard? Shard { get; init; }

    /// <summary>The results that shards are balanced by, or null.</summary>
    public string? BalanceBy { get; init; }
}
