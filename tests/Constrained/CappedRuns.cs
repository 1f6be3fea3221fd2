using Loadline.Constrained.Containers;
using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Measuring;

[assembly: AssemblyFixture(typeof(Loadline.Constrained.CappedRuns))]
// Each run evicts its checkpoint first: two at once would read what the other wants cold.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Loadline.Constrained;

/// <summary>What all cases share: the repository's budgets, one runtime, and checkpoints that are made once.</summary>
public sealed class CappedRuns : IAsyncLifetime
{
    private readonly CheckpointCache _cache = new(CheckpointCache.DefaultFolder(), new SyntheticCheckpointMaker());
    private readonly Dictionary<int, string?> _whyNoGpus = [];
    private readonly Dictionary<string, string?> _whyNoEngine = [];
    private IContainerRuntime? _runtime;
    private string? _whyNot;
    private int _count;

    internal static BudgetFile Budgets { get; } = BudgetFile.Read(Path.Combine(RepositoryRoot.Find()!, "budgets.json"));

    /// <summary>The cases that load onto real GPUs.</summary>
    internal static BudgetFile GpuBudgets { get; } = BudgetFile.Read(Path.Combine(RepositoryRoot.Find()!, "budgets.gpu.json"));

    /// <summary>
    /// Which runtime to take: <c>testcontainers</c>, <c>docker</c>, <c>cgroup</c>, or <c>auto</c>: the first where Docker answers, else the last.
    /// </summary>
    private static string RuntimeName => System.Environment.GetEnvironmentVariable("LOADLINE_RUNTIME") is { Length: > 0 } name ? name : RuntimeChooser.Auto;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _runtime = await ChooseAsync(RuntimeName, TestContext.Current.CancellationToken);
        }
        catch (RuntimeException e)
        {
            _whyNot = e.Message;
        }

        var required = Requirements.FromEnvironment();
        foreach (var name in RuntimeChooser.Names.Append(TestcontainersRuntime.RuntimeName).Where(required.Demands))
        {
            // Testcontainers' containers are Docker's.
            if (_runtime?.Name == name || (name == DockerRuntime.RuntimeName && _runtime?.Name == TestcontainersRuntime.RuntimeName)) continue;
            throw new RuntimeException($"LOADLINE_REQUIRE demands {name}, but {_whyNot ?? $"the suite runs on {_runtime!.Name}"}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_runtime is null) return;
        // Test runners keep what tests print to themselves: check.sh shows the file.
        var shard = SuiteShard.Asked is { } part ? $", shard {part}" : "";
        await File.WriteAllTextAsync(Path.Combine(RepositoryRoot.Find()!, "artifacts", "constrained.txt"), $"{_count} runs through {_runtime.Description}{shard}\n");
        await _runtime.DisposeAsync();
    }

    /// <summary>Runs a case to its end, or skips the test with the reason why no cap can be held here.</summary>
    internal Task<CaseRun> RunAsync(BudgetCase budget, CancellationToken cancellation) => RunAsync(budget, path: null, cancellation);

    /// <summary>The same on a checkpoint that no budget file names; null takes the case's own.</summary>
    internal async Task<CaseRun> RunAsync(BudgetCase budget, string? path, CancellationToken cancellation)
    {
        if (budget is { Engine: { } engine, Image: null })
        {
            if (!_whyNoEngine.TryGetValue(engine, out var whyNot))
            {
                _whyNoEngine[engine] = whyNot = await Runtime.PrepareAsync(engine, cancellation) ?? await Runtime.WhyNotAsync(engine, cancellation);
            }

            SkipWhere(whyNot, engine);
        }

        if (budget.GpuCount > 0)
        {
            if (!_whyNoGpus.ContainsKey(budget.GpuCount)) _whyNoGpus[budget.GpuCount] = await GpuProbe.WhyNotAsync(Runtime, budget.GpuCount, cancellation);
            SkipWhere(_whyNoGpus[budget.GpuCount], Requirements.Gpu);
        }

        var transcript = new Transcript(Runtime);
        var run = await new CaseRunner(transcript).RunAsync(budget, path ?? PathOf(budget, cancellation), onEvent: null, cancellation);
        _count++;
        if (!run.Result.Pass) TestContext.Current.AddAttachment("output", transcript.Text);
        return run;
    }

    // Something that is not here is no test that failed, unless whoever runs this says that it must be.
    private static void SkipWhere(string? whyNot, string required)
    {
        if (whyNot is not null && Requirements.FromEnvironment().Demands(required)) throw new RuntimeException($"LOADLINE_REQUIRE demands {required}, but {whyNot}");
        Assert.SkipWhen(whyNot is not null, whyNot ?? "");
    }

    /// <summary>Runs the worker on a case with further options, and returns its report.</summary>
    internal async Task<LoadReport> ReportAsync(BudgetCase budget, IEnumerable<string> options, CancellationToken cancellation)
    {
        var spec = WorkerCommand.Of(budget, PathOf(budget, cancellation));
        var observer = new CaseObserver();
        await Runtime.RunAsync(spec with { Command = [.. spec.Command, .. options] }, line => observer.Add(line), cancellation);
        return observer.Snapshot().Report!;
    }

    /// <summary>What <c>loadline run --runtime</c> is to be told to run as this suite does: it has no Testcontainers, but runs the same containers.</summary>
    internal string CommandLineRuntime => Runtime.Name == TestcontainersRuntime.RuntimeName ? DockerRuntime.RuntimeName : Runtime.Name;

    /// <summary>The fingerprint of the runs.</summary>
    internal RunEnvironment Environment => RunEnvironment.Of(Runtime);

    private static async Task<IContainerRuntime> ChooseAsync(string name, CancellationToken cancellation) => name switch
    {
        RuntimeChooser.Auto => await RuntimeChooser.FirstThatWorksAsync(
        [
            () => ChooseAsync(TestcontainersRuntime.RuntimeName, cancellation),
            () => ChooseAsync(CgroupRuntime.RuntimeName, cancellation),
        ], EngineAddress.NamedBy()),
        TestcontainersRuntime.RuntimeName => await TestcontainersRuntime.ConnectAsync(WorkerBinary.Find(), cancellation),
        _ => await RuntimeChooser.ChooseAsync(name, WorkerBinary.Find(), cancellation),
    };

    /// <summary>What holds the caps; where there is none, the test is skipped with the reason.</summary>
    internal IContainerRuntime Runtime
    {
        get
        {
            Assert.SkipWhen(_runtime is null, _whyNot ?? "");
            return _runtime!;
        }
    }

    /// <summary>Where a case's checkpoint lies; it is made if it is not there.</summary>
    internal string PathOf(BudgetCase budget, CancellationToken cancellation)
    {
        var file = budget.GpuCount > 0 ? GpuBudgets : Budgets;
        return _cache.Provide(file.Checkpoints[budget.Checkpoint], file.Path, _ => { }, cancellation);
    }
}
