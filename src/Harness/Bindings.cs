using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Strategies.Runs;
using Spectre.Console;

namespace Loadline.Harness;

/// <summary>Binds the commands to this machine.</summary>
internal static class Bindings
{
    public static HarnessServices OfThisMachine() => new()
    {
        OpenRuntime = (name, _, _) => throw new RuntimeException($"this build has no runtime {name}"),
        Maker = new NoMaker(),
        Loader = new NoLoader(),
        Console = AnsiConsole.Console,
        Out = Console.Out,
        Error = Console.Error,
        RamLimitBytes = RunEnvironment.MachineRamBytes,
    };

    private sealed class NoMaker : ICheckpointMaker
    {
        public IReadOnlyList<string> Models => [];

        public void Make(CheckpointRecipe recipe, string path, bool sparse, Action<double> progress, CancellationToken cancellation) =>
            throw new InputException($"this build cannot make {recipe.Model}");
    }

    private sealed class NoLoader : IMeasuredLoader
    {
        public int Load(LoadRequest request, Action<WorkerEvent> onEvent, CancellationToken cancellation) =>
            throw new InputException("this build cannot load in process: give --cap");
    }
}
