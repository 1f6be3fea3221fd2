using System.CommandLine;
using Loadline.Harness.Services;

namespace Loadline.Harness.Commands;

/// <summary>The commands.</summary>
internal static class Cli
{
    private const string Description = "Loads model weights inside a memory budget, and proves it.";

    private static readonly Entry[] Commands =
    [
        new("run", RunCommand.Create),
        new("load", LoadCommand.Create),
        new("plan", PlanCommand.Create),
        new("map", MapCommand.Create),
        new("floor", FloorCommand.Create),
        new("curve", CurveCommand.Create),
        new("inspect", InspectCommand.Create),
        new("make", MakeCommand.Create),
        new("convert", ConvertCommand.Create),
        new("image", ImageCommand.Create),
        new("report", ReportCommand.Create),
        new("compare", CompareCommand.Create),
        new("budgets", BudgetsCommand.Create),
        new("kubernetes", KubernetesCommand.Create),
        new("collect", CollectCommand.Create),
        new("doctor", DoctorCommand.Create),
    ];

    /// <summary>The command line.</summary>
    /// <param name="services">What the commands work with.</param>
    /// <param name="args">
    /// Its words. Where the first is a command, no other is made, and without a word that may ask for help nothing that could give it: all of that takes
    /// longer than it takes to inspect a checkpoint.
    /// </param>
    public static Command Create(HarnessServices services, params string[] args)
    {
        var named = args.Length == 0 ? null : Array.Find(Commands, c => c.Name == args[0]);
        var root = named is null || Array.Exists(args, MayAskForHelp) ? new RootCommand(Description) : new Command("loadline", Description);
        foreach (var command in named is null ? Commands : [named]) root.Subcommands.Add(command.Create(services));
        return root;
    }

    // System.CommandLine's words for it.
    private static bool MayAskForHelp(string word) => word is "--help" or "-h" or "/h" or "-?" or "/?";

    private sealed record Entry(string Name, Func<HarnessServices, Command> Create);
}
