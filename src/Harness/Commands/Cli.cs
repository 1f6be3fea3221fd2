using System.CommandLine;

namespace Loadline.Harness.Commands;

/// <summary>The commands.</summary>
internal static class Cli
{
    private static readonly (string Name, Func<HarnessServices, Command> Create)[] Commands =
    [
        ("run", RunCommand.Create),
        ("load", LoadCommand.Create),
        ("plan", PlanCommand.Create),
        ("map", MapCommand.Create),
        ("floor", FloorCommand.Create),
        ("inspect", InspectCommand.Create),
        ("make", MakeCommand.Create),
        ("convert", ConvertCommand.Create),
        ("report", ReportCommand.Create),
        ("compare", CompareCommand.Create),
        ("budgets", BudgetsCommand.Create),
        ("doctor", DoctorCommand.Create),
    ];

    /// <summary>The command line.</summary>
    /// <param name="services">What the commands work with.</param>
    /// <param name="first">
    /// Its first word. Where that is a command, no other is made: all of them together take longer than it takes to inspect a checkpoint.
    /// </param>
    public static RootCommand Create(HarnessServices services, string? first = null)
    {
        var root = new RootCommand("Loads model weights inside a memory budget, and proves it.");
        var named = Commands.Where(c => c.Name == first).ToList();
        foreach (var (_, create) in named is [] ? Commands : [.. named]) root.Subcommands.Add(create(services));
        return root;
    }
}
