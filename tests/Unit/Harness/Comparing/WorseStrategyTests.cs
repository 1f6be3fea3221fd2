using Loadline.Checkpoints;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Strategies.Catalog;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Harness.Comparing;

/// <summary>A change that makes a strategy hold more, from the load itself to the gate's words.</summary>
public sealed class WorseStrategyTests : IDisposable
{
    private const string Budgets = """
        {
          "checkpoints": { "m": { "model": "gpt2-medium" } },
          "cases": [
            { "name": "streamed", "checkpoint": "m", "strategy": "streamed", "device": "sim:1GiB", "cap": "64GiB", "expect": "loaded",
              "peakHost": "64MiB", "why": "everything passes through a ring of 64 MiB" }
          ]
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_streamed_load_that_holds_32_MiB_more_fails_the_gate()
    {
        var (right, _) = await RunAsync(_ => new Streamed(), "base.json");
        var (worse, said) = await RunAsync(engine => new HoardingStreamed(engine), "head.json");
        using var loadline = new FakeHarness();
        var compared = await loadline.RunAsync("compare", _folder["base.json"], _folder["head.json"]);

        (right, worse, compared).Should().Be((0, 1, 1));
        said.Should().Contain("streamed of m on sim:1GiB was limited to 64 MiB of host memory by the engine's count but peaked at 96 MiB, 32 MiB over, in phase read")
            .And.Contain("host memory at the engine's peak, 96 MiB: ring 64 MiB, buffer 32 MiB");
        loadline.Out.Should().Contain(
            "streamed of m on sim:1GiB took 96 MiB of host memory by the engine's count in phase read, 32 MiB more than the 64 MiB before; held for: buffer 32 MiB, 0 B before");
    }

    private async Task<(int ExitCode, string Out)> RunAsync(Func<NativeEngine, LoadingStrategy> strategy, string results)
    {
        using var harness = new FakeHarness(_ => new FakeEnd(0, Load(strategy)));
        File.WriteAllText(_folder["budgets.json"], Budgets);
        var code = await harness.RunAsync("run", "--budgets", _folder["budgets.json"], "--results", _folder[results]);
        return (code, harness.Out);
    }

    // What the worker does, with a strategy that is in no catalogue.
    private static string[] Load(Func<NativeEngine, LoadingStrategy> strategy)
    {
        var lines = new List<string>();
        var engine = new NativeEngine();
        var options = new LoadOptions { Strategy = "streamed", Device = Device.Parse("sim:1GiB") };
        // The test's own process is no worker: of its memory only what the engine counts says anything.
        using var measurement = new Measurement(engine, e => lines.Add(WorkerJson.Write(e is SampleEvent s ? s with { AnonBytes = 1 << 20, ShmemBytes = 0 } : e)));
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        using var load = new LoadContext(checkpoint, options, engine, StrategyCatalog.Find(options.Strategy));
        measurement.Begin(cold: true);
        using var model = load.Complete(strategy(engine).Load(load));
        lines.Add(WorkerJson.Write(measurement.Report(model, checkpoint, options, cold: true) with { BaselineAnonymousBytes = 0, PeakAnonymousBytes = 1 << 20 }));
        return [.. lines];
    }

    private sealed class HoardingStreamed(NativeEngine engine) : LoadingStrategy
    {
        public override string Name => "streamed";

        public override string Summary => "keeps 32 MiB that it does not need";

        public override PeakMemory Peak(LoadSizes size, Device device) => default;

        public override int Passes(Device device) => 1;

        internal override Model Load(LoadContext load)
        {
            var hoard = engine.Allocate(Device.Cpu, 32 * ByteSize.MiB);
            try
            {
                return new Streamed().Load(load);
            }
            finally
            {
                hoard.Release();
            }
        }
    }
}
