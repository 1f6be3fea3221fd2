using System.CommandLine;
using Loadline.Harness.Services;

namespace Loadline.Harness.Commands;

/// <summary>The commands.</summary>
internal static class Cli
{
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
    /// <param name="first">
    /// Its first word. Where that is a command, no other is made: all of them together take longer than it takes to inspect a checkpoint.
    /// </param>
    public static RootCommand Create(HarnessServices services, string? first = null)
    {
        var root = new RootCommand("Loads model weights inside a memory budget, and proves it.");
        var named = Array.Find(Commands, c => c.Name == first);
        foreach (var command in named is null ? Commands : [named]) root.Subcommands.Add(command.Create(services));
        return root;
    }

    private sealed record Entry(string Name, Func<HarnessServices, Command> Create);
}
