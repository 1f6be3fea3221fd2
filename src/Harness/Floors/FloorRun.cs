using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Floors;

/// <summary>Finds the floor and the comfort of one load or program.</summary>
/// <param name="probed">What is probed.</param>
/// <param name="prober">Runs a probe.</param>
internal sealed class FloorRun(Probed probed, Prober prober)
{
    /// <summary>Searches: the floor first, then, with what that has shown, the comfort.</summary>
    /// <exception cref="FloorException">It does not survive with all of the RAM either.</exception>
    public async Task<FloorResult> FindAsync()
    {
        await prober.BeginAsync();
        var most = probed.Reference.CapBytes;
        var floor = await Search(probed.LeastBytes, probe => probe.Outcome.Lives()).FindAsync(probed.FloorGuess(prober.Reference))
            ?? throw new FloorException(prober.Probes[^1].Outcome, $"{probed.Reference.Subject} survived {SizeText.InWords(most)} once, but not every time: {prober.Runs[^1].Message}");
        return new FloorResult(floor, await ComfortAsync(floor), prober.Probes);
    }

    private async Task<long?> ComfortAsync(long floorBytes)
    {
        // What nobody can count cannot be found, and what is read again with all of the RAM has no comfort.
        if (prober.Probes.Where(probe => probe.CapBytes == probed.Reference.CapBytes).All(probe => !IsAtEase(probe))) return null;
        var search = Search(floorBytes, IsAtEase);
        foreach (var probe in prober.Probes.Where(probe => probe.CapBytes >= floorBytes && probe.Reread is not null))
            search.Note(probe.CapBytes, IsAtEase(probe));
        return await search.FindAsync(probed.ComfortGuess(prober.Reference));
    }

    private static bool IsAtEase(FloorProbe probe) => probe is { Outcome: Outcome.Loaded, Reread: < Rereads.Comfortable };

    private FloorSearch Search(long leastBytes, Func<FloorProbe, bool> holds) =>
        new(async capBytes => holds((await prober.ProbeAsync(capBytes)).Probe), leastBytes, probed.Reference.CapBytes, probed.StepBytes);
}

/// <summary>There is no floor: what became of the load instead, and why as a sentence.</summary>
internal sealed class FloorException(Outcome outcome, string message) : Exception(message)
{
    /// <summary>What became of the load.</summary>
    public Outcome Outcome { get; } = outcome;
}
