using Loadline.Gauges;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Reports;
using Loadline.Harness.Runtimes.Choosing;
using Spectre.Console;

namespace Loadline.Harness.Services;

/// <summary>Binds the commands to this machine.</summary>
internal static class Bindings
{
    private const int WidthOfFiles = 200;

    public static HarnessServices OfThisMachine()
    {
        var (output, error) = (StandardWriter.Output, StandardWriter.Error);
        return GitHubActions.IsHere ? Of(new WorkflowLog(output), new WorkflowLog(error)) : Of(output, error);
    }

    private static HarnessServices Of(TextWriter output, TextWriter error) => new()
    {
        OpenRuntime = (name, worker, cancellation) => RuntimeChooser.ChooseAsync(name, worker, cancellation, line => new PrintableWriter(error).WriteLine($"loadline: {line}")),
        Maker = new SyntheticCheckpointMaker(),
        OpenConsole = new Lazy<IAnsiConsole>(() => ConsoleOf(output)),
        Out = new PrintableWriter(output),
        Error = new PrintableWriter(error),
        // Its lines are the commands.
        Actions = GitHubActions.FromEnvironment(new PrintableWriter(StandardWriter.Output)),
        RamLimitBytes = () => MemoryLimit.Effective(),
    };

    /// <summary>A pipe or a file gets neither colours nor lines cut to a width that it does not have.</summary>
    private static IAnsiConsole ConsoleOf(TextWriter output)
    {
        var console = AnsiConsole.Console;
        if (Console.IsOutputRedirected)
        {
            console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
            console.Profile.Width = WidthOfFiles;
        }

        console.Pipeline.Attach(new PrintableRendering());
        return console;
    }
}
