using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Floors;

/// <summary>Runs one thing under caps, each time in a container or cgroup of its own, and remembers what became of it.</summary>
/// <param name="probed">What is run.</param>
/// <param name="view">Shows each run.</param>
/// <param name="cancellation">Ends the run and leaves nothing of it.</param>
internal sealed class Prober(Probed probed, IFloorView view, CancellationToken cancellation)
{
    // A load slows down towards its floor, where the kernel looks for every page: three times was seen. What takes longer than this
    // thrashes.
    private const int SlowestOfReference = 10;
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(20);

    private readonly List<(FloorProbe Probe, CaseResult Run)> _runs = [];
    private CaseResult? _reference;

    /// <summary>All runs so far, in order.</summary>
    public IReadOnlyList<CaseResult> Runs => [.. _runs.Select(run => run.Run)];

    /// <summary>What became of them.</summary>
    public IReadOnlyList<FloorProbe> Probes => [.. _runs.Select(run => run.Probe)];

    /// <summary>The run with all of the RAM that read least.</summary>
    public CaseResult Reference => _reference ?? throw new InvalidOperationException("nothing ran with all of the RAM yet");

    /// <summary>Runs it with all of the RAM.</summary>
    /// <exception cref="FloorException">It does not survive with that either.</exception>
    public async Task BeginAsync()
    {
        for (var i = 0; i < probed.References; i++)
        {
            var run = await RunAsync(probed.Reference);
            if (run.Outcome != Outcome.Loaded)
                throw new FloorException(run.Outcome, run.Message ?? $"{run.Subject} was {run.Outcome.Name()} under {SizeText.InWords(run.CapBytes)}");
            if (_reference is null || run.ReadBytes < _reference.ReadBytes) _reference = run;
            Keep(run);
        }
    }

    /// <summary>Runs it under a cap, for not much longer than it took with all of the RAM.</summary>
    public async Task<(FloorProbe Probe, CaseResult Run)> ProbeAsync(long capBytes)
    {
        var slowest = TimeSpan.FromSeconds(Math.Max(ShortestTimeout.TotalSeconds, SlowestOfReference * Reference.WallSeconds));
        Keep(await RunAsync(probed.Reference with { CapBytes = capBytes, Timeout = slowest }));
        return _runs[^1];
    }

    private Task<CaseResult> RunAsync(BudgetCase probe)
    {
        view.Started(probe);
        return probed.RunAsync(probe, view.Saw, cancellation);
    }

    private void Keep(CaseResult run)
    {
        var reread = run.Outcome == Outcome.Loaded ? probed.Reread(run, Reference) : null;
        var outcome = reread >= Rereads.Comfortable ? Outcome.Thrashed : run.Outcome;
        _runs.Add((new FloorProbe(run.CapBytes, outcome, reread), run));
        view.Ended(_runs[^1].Probe, run);
    }
}
