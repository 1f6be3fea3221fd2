using System.CommandLine;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Selection;
using Loadline.Harness.Budgets;
using Loadline.Harness.Drafting;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline budgets</c>: budget files from measurements.</summary>
internal static class BudgetsCommand
{
    /// <summary>Caps are for people.</summary>
    private const long CapStepBytes = 32 * ByteSize.MiB;

    public static Command Create(HarnessServices services) => new("budgets", "Write budgets from measurements, as a change that can be reviewed.")
    {
        Init(services),
        Update(services),
    };

    private static Command Init(HarnessServices services)
    {
        var path = CommandOptions.Path("CHECKPOINT", "run every strategy on this file or folder");
        var (cap, device, runtime, headroom) = (CommandOptions.Cap(), CommandOptions.Device(), CommandOptions.Runtime(), Headroom());
        cap.Description = "the hard limit of RAM, without swap; by default what the hungriest strategy needs";
        var budgets = new Option<string>("--budgets") { Description = "the file to write, which must not be there", HelpName = "FILE", DefaultValueFactory = _ => "budgets.json" };
        var command = new Command("init", "Write a first budget file from what every strategy does with a checkpoint.") { path, cap, device, budgets, headroom, runtime };
        var passes = new PassOptions().AddTo(command);
        command.SetAction(async (parse, cancellation) =>
        {
            var (target, checkpoint) = (Path.GetFullPath(parse.GetValue(budgets)!), Path.GetFullPath(parse.GetValue(path)!));
            RefuseExisting();
            OutputTargets.RefuseUnwritable(target);
            var capBytes = parse.GetValue(cap) ?? EnoughForAll(services, checkpoint, Device.Parse(parse.GetValue(device)!));
            var run = new BudgetRun(services, new RunOptions { Runtime = parse.GetValue(runtime) ?? RuntimeChooser.Auto });
            var (code, results) = await run.EveryStrategyAsync(checkpoint, capBytes, parse.GetValue(device)!, dtype: null, EntrySelection.All, passes.Of(parse), cancellation);
            if (code != ExitCodes.Loaded) return code;
            // Whoever makes a strategy better must not break a budget: what does not load has none.
            var loaded = results.Cases.Where(r => r.Outcome.Lives()).ToList();
            foreach (var other in results.Cases.Where(r => !r.Outcome.Lives())) services.Out.WriteLine($"{other.Strategy}: {other.Outcome.Name()}, left out");
            if (loaded.Count == 0) throw new InputException($"no strategy loads {parse.GetValue(path)} under {SizeText.InWords(capBytes)}: there is nothing to hold; give a higher --cap");
            var folder = Path.GetDirectoryName(target)!;
            // Measuring takes its minutes, in which somebody may have written one.
            RefuseExisting();
            WholeFile.Write(target, Encoding.UTF8.GetBytes(BudgetDraft.Of(Path.GetRelativePath(folder, checkpoint), loaded, HeadroomBytes(parse.GetValue(headroom)))));
            if (!File.Exists(Path.Combine(folder, BudgetDraft.SchemaName))) WholeFile.Write(Path.Combine(folder, BudgetDraft.SchemaName), BudgetDraft.Schema());
            services.Out.WriteLine($"{parse.GetValue(budgets)}: {loaded.Count} cases; put a reason of your own into each 'why'");
            return ExitCodes.Loaded;

            void RefuseExisting()
            {
                if (File.Exists(target)) throw new InputException($"{parse.GetValue(budgets)}: is there already; `loadline budgets update` changes it");
            }
        });
        return command;
    }

    /// <summary>A cap under which every strategy is planned to survive, as far as there is RAM.</summary>
    private static long EnoughForAll(HarnessServices services, string path, Device device)
    {
        using var checkpoint = Checkpoint.Open(path);
        var planned = Planner.Plan(checkpoint, new LoadOptions { Device = device }, new MemoryLimits(long.MaxValue, long.MaxValue)).Strategies;
        var bytes = planned.Max(s => WorkerMemory.Of(EngineNames.Native).CapFor(s.HostBytes));
        return Math.Min((bytes + CapStepBytes - 1) / CapStepBytes * CapStepBytes, services.RamLimitBytes() / ByteSize.MiB * ByteSize.MiB);
    }

    private static Command Update(HarnessServices services)
    {
        var path = CommandOptions.Path("RESULTS", "what `loadline run --results` wrote");
        var budgets = CommandOptions.Budgets();
        var headroom = Headroom();
        var raise = new Option<bool>("--raise") { Description = "raise the budgets of cases that missed them, too" };
        var command = new Command("update", "Put measured peaks into a budget file; all else in it stays as it is.") { path, budgets, headroom, raise };
        command.SetAction(parse =>
        {
            var results = ResultFile.ReadWhole(parse.GetValue(path)!);
            var named = parse.GetValue(budgets) ?? BudgetFile.Default();
            // A link stays one; what it leads to is looked for once, and so is what is read.
            var target = (File.Exists(named) ? File.ResolveLinkTarget(named, returnFinalTarget: true)?.FullName : null) ?? named;
            var bytes = BudgetFile.ReadBytes(target);
            // Its relative paths begin where it is named, as those of a run do.
            var update = BudgetUpdate.Apply(named, bytes, results, HeadroomBytes(parse.GetValue(headroom)), parse.GetValue(raise));
            if (update.Changes.Count > 0) WholeFile.Write(target, update.Text);
            foreach (var change in update.Changes.Concat(update.Missed)) services.Out.WriteLine(change);
            services.Out.WriteLine(update.Changes.Count == 0 ? $"{named}: {update.Matched} of its cases were measured; nothing to change" : $"{named}: {update.Changes.Count} changed");
            return update.Missed.Count == 0 ? ExitCodes.Loaded : ExitCodes.Missed;
        });
        return command;
    }

    private static Option<long?> Headroom() =>
        CommandOptions.Size("--headroom", $"what a budget leaves above the peak; {SizeText.InWords(MeasuredBudget.DefaultHeadroomBytes)} unless given", leastBytes: 0);

    private static long HeadroomBytes(long? given) => given ?? MeasuredBudget.DefaultHeadroomBytes;
}
