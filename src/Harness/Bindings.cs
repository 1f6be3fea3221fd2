using Loadline.Harness.Making;
using Loadline.Harness.Reports;
using Loadline.Harness.Runtimes;
using Loadline.Strategies.Gauges;
using Spectre.Console;

namespace Loadline.Harness;

/// <summary>Binds the commands to this machine.</summary>
internal static class Bindings
{
    public static HarnessServices OfThisMachine() => new()
    {
        OpenRuntime = RuntimeChooser.ChooseAsync,
        Maker = new SyntheticCheckpointMaker(),
        Console = AnsiConsole.Console,
        Out = Console.Out,
        Error = Console.Error,
        Actions = GitHubActions.FromEnvironment(Console.Out),
        RamLimitBytes = () => MemoryLimit.Effective(),
    };
}
