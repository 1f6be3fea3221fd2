using Loadline.Gauges;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Reports;
using Loadline.Harness.Runtimes.Choosing;

namespace Loadline.Harness.Services;

/// <summary>Binds the commands to this machine.</summary>
internal static class Bindings
{
    public static HarnessServices OfThisMachine()
    {
        var (output, error) = (StandardWriter.Output, StandardWriter.Error);
        return GitHubActions.IsHere ? Of(new WorkflowLog(output), new WorkflowLog(error)) : Of(output, error);
    }

    private static HarnessServices Of(TextWriter output, TextWriter error) => new()
    {
        OpenRuntime = (name, worker, cancellation) => RuntimeChooser.ChooseAsync(name, worker, cancellation, line => new PrintableWriter(error).WriteLine($"loadline: {line}")),
        Maker = new SyntheticCheckpointMaker(),
        OpenConsole = new TerminalConsole(output),
        Out = new PrintableWriter(output),
        Error = new PrintableWriter(error),
        // Its lines are the commands.
        Actions = GitHubActions.FromEnvironment(new PrintableWriter(StandardWriter.Output)),
        RamLimitBytes = () => MemoryLimit.Effective(),
    };
}
