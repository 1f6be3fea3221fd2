using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Floors;

/// <summary>Finds the floor of one load, each probe in a container or cgroup of its own and, as every measured load, with a cold checkpoint.</summary>
/// <param name="runner">Runs a probe.</param>
/// <param name="view">Shows them.</param>
internal sealed class FloorRun(CaseRunner runner, IFloorView view)
{
    // A load slows down towards its floor, where the kernel looks for every page: three times was seen. What takes longer than this thrashes.
    private const int SlowestOfReference = 10;
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(20);

    private readonly List<CaseResult> _probes = [];

    /// <summary>All probes so far, in order.</summary>
    public IReadOnlyList<CaseResult> Probes => _probes;

    /// <summary>Searches.</summary>
    /// <param name="reference">The load, with all of the RAM for a cap, and a timeout for a load that nothing disturbs.</param>
    /// <param name="path">Where the checkpoint lies, absolute.</param>
    /// <param name="guessBytes">Where to look first.</param>
    /// <param name="cancellation">Ends the run and leaves nothing of it.</param>
    /// <exception cref="FloorException">The load does not survive with all of the RAM either.</exception>
    public async Task<FloorResult> FindAsync(BudgetCase reference, string path, long guessBytes, CancellationToken cancellation)
    {
        var first = await ProbeAsync(reference);
        if (first.Outcome != Outcome.Loaded) throw new FloorException(first.Outcome, first.Message!);

        var slowest = TimeSpan.FromSeconds(Math.Max(ShortestTimeout.TotalSeconds, SlowestOfReference * first.WallSeconds));
        var search = new FloorSearch(SurvivesAsync, WorkerMemory.Of(reference.Engine).FloorBytes, reference.CapBytes);
        var floor = await search.FindAsync(guessBytes)
            ?? throw new FloorException(_probes[^1].Outcome, $"{reference.Subject} survived {SizeText.InWords(reference.CapBytes)} once, but not every time: {_probes[^1].Message}");
        return new FloorResult(floor, [.. _probes.Select(p => new FloorProbe(p.CapBytes, p.Outcome))]);

        async Task<bool> SurvivesAsync(long capBytes) =>
            (await ProbeAsync(reference with { CapBytes = capBytes, Timeout = slowest })).Outcome == Outcome.Loaded;

        async Task<CaseResult> ProbeAsync(BudgetCase probe)
        {
            view.Started(probe);
            var run = await runner.RunAsync(probe, path, view.Saw, cancellation);
            _probes.Add(run.Result);
            view.Ended(run.Result);
            return run.Result;
        }
    }
}

/// <summary>There is no floor: what became of the load instead, and why as a sentence.</summary>
internal sealed class FloorException(Outcome outcome, string message) : Exception(message)
{
    /// <summary>What became of the load.</summary>
    public Outcome Outcome { get; } = outcome;
}
