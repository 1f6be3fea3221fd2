using System.CommandLine;
using System.Text;
using Loadline.Checkpoints.Selection;
using Loadline.Harness.Budgets;
using Loadline.Harness.Drafting;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline budgets</c>: budget files from measurements.</summary>
internal static class BudgetsCommand
{
    public static Command Create(HarnessServices services) => new("budgets", "Write budgets from measurements, as a change that can be reviewed.")
    {
        Init(services),
        Update(services),
    };

    private static Command Init(HarnessServices services)
    {
        var path = CommandOptions.Path("CHECKPOINT", "run every strategy on this file or folder");
        var (cap, device, runtime, headroom) = (CommandOptions.Cap(), CommandOptions.Device(), CommandOptions.Runtime(), Headroom());
        cap.Required = true;
        var budgets = new Option<string>("--budgets") { Description = "the file to write, which must not be there", HelpName = "FILE", DefaultValueFactory = _ => "budgets.json" };
        var command = new Command("init", "Write a first budget file from what every strategy does with a checkpoint.") { path, cap, device, budgets, headroom, runtime };
        command.SetAction(async (parse, cancellation) =>
        {
            var (target, checkpoint) = (Path.GetFullPath(parse.GetValue(budgets)!), Path.GetFullPath(parse.GetValue(path)!));
            if (File.Exists(target)) throw new InputException($"{parse.GetValue(budgets)}: is there already; `loadline budgets update` changes it");

            var run = new BudgetRun(services, new RunOptions { Runtime = parse.GetValue(runtime) ?? RuntimeChooser.Auto });
            var (code, results) = await run.EveryStrategyAsync(checkpoint, parse.GetValue(cap)!.Value, parse.GetValue(device)!, dtype: null, EntrySelection.All, cancellation);
            if (code != ExitCodes.Loaded) return code;
            var draft = BudgetDraft.Of(Path.GetRelativePath(Path.GetDirectoryName(target)!, checkpoint), results.Cases, HeadroomBytes(parse.GetValue(headroom)));
            WholeFile.Write(target, Encoding.UTF8.GetBytes(draft));
            services.Out.WriteLine($"{parse.GetValue(budgets)}: {results.Cases.Count} cases; put a reason of your own into each 'why'");
            return ExitCodes.Loaded;
        });
        return command;
    }

    private static Command Update(HarnessServices services)
    {
        var path = CommandOptions.Path("RESULTS", "what `loadline run --results` wrote");
        var budgets = CommandOptions.Budgets();
        var headroom = Headroom();
        var command = new Command("update", "Put measured peaks into a budget file; all else in it stays as it is.") { path, budgets, headroom };
        command.SetAction(parse =>
        {
            var results = ResultFile.Read(parse.GetValue(path)!);
            var target = parse.GetValue(budgets) ?? BudgetFile.Default();
            _ = BudgetFile.Read(target);
            var (text, changes) = BudgetUpdate.Apply(target, File.ReadAllBytes(target), results, HeadroomBytes(parse.GetValue(headroom)));
            if (changes.Count > 0) WholeFile.Write(target, text);
            foreach (var change in changes) services.Out.WriteLine(change);
            services.Out.WriteLine(changes.Count == 0 ? $"{target}: says what was measured" : $"{target}: {changes.Count} changed");
            return ExitCodes.Loaded;
        });
        return command;
    }

    private static Option<long?> Headroom() =>
        CommandOptions.Size("--headroom", $"what a budget leaves above the peak; {SizeText.InWords(MeasuredBudget.DefaultHeadroomBytes)} unless given", leastBytes: 0);

    private static long HeadroomBytes(long? given) => given ?? MeasuredBudget.DefaultHeadroomBytes;
}
