using Loadline.Harness.Making;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Strategies;
using Loadline.Strategies.Gauges;
using Loadline.Strategies.Runs;
using Spectre.Console;

namespace Loadline.Harness;

/// <summary>Binds the commands to this machine.</summary>
internal static class Bindings
{
    public static HarnessServices OfThisMachine() => new()
    {
        OpenRuntime = RuntimeChooser.ChooseAsync,
        Maker = new SyntheticCheckpointMaker(),
        Loader = new ThisProcess(),
        Console = AnsiConsole.Console,
        Out = Console.Out,
        Error = Console.Error,
        RamLimitBytes = () => MemoryLimit.Effective(),
    };

    private sealed class ThisProcess : IMeasuredLoader
    {
        public int Load(Runs.LoadRequest request, Action<WorkerEvent> onEvent, CancellationToken cancellation)
        {
            var options = new LoadOptions { Strategy = request.Strategy, Device = Device.Parse(request.Device) };
            if (request.RingBytes is { } ring) options = options with { RingBytes = ring };
            return MeasuredLoad.Run(new Strategies.Runs.LoadRequest(request.Path, options, request.Verify == "digest"), onEvent);
        }
    }
}
