using System.CommandLine;

namespace Loadline.Harness.Commands;

/// <summary>The commands.</summary>
internal static class Cli
{
    public static RootCommand Create(HarnessServices services) => new("Loads model weights inside a memory budget, and proves it.")
    {
        RunCommand.Create(services),
        LoadCommand.Create(services),
        PlanCommand.Create(services),
        MapCommand.Create(services),
        FloorCommand.Create(services),
        InspectCommand.Create(services),
        MakeCommand.Create(services),
        ConvertCommand.Create(services),
        ReportCommand.Create(services),
        CompareCommand.Create(services),
        BudgetsCommand.Create(services),
        DoctorCommand.Create(services),
    };
}
