using System.Diagnostics;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>Runs cases in a runtime and judges them.</summary>
internal sealed class CaseRunner(IContainerRuntime runtime)
{
    /// <summary>Runs one case to its end.</summary>
    /// <param name="budget">The case.</param>
    /// <param name="path">Where its checkpoint lies, absolute.</param>
    /// <param name="onEvent">Gets the worker's events as they come, on the runtime's thread.</param>
    /// <param name="cancellation">Ends the run and leaves nothing of it.</param>
    /// <exception cref="RuntimeException">The case could not be run at all.</exception>
    public async Task<CaseRun> RunAsync(BudgetCase budget, string path, Action<WorkerEvent>? onEvent, CancellationToken cancellation)
    {
        // The worker does this itself; another program would find the pages that an earlier run has paid for.
        bool? cold = !budget.Command.IsEmpty && Path.Exists(path) ? IsCold(path) : null;
        try
        {
            return await RunAsync(budget, WorkerCommand.Of(budget, path), cold, onEvent, cancellation);
        }
        catch (NoProgramException e)
        {
            // This case's mistake, and nothing against the others.
            var seen = new Observation().Failed(Outcome.Error, e.Message);
            return new CaseRun(CaseResults.Of(budget, Outcome.Error, Verdict.Of(budget, Outcome.Error, seen), seen, exitCode: null, wallSeconds: 0), seen);
        }
    }

    private static bool IsCold(string path)
    {
        try
        {
            return PageCache.Evict(path).IsCold;
        }
        catch (GaugeException)
        {
            // A link to nothing, or what only others may read: the program says so itself, if it minds.
            return false;
        }
    }

    /// <summary>Runs a program as a case, with mounts and variables of its own.</summary>
    /// <param name="budget">The case.</param>
    /// <param name="spec">The program.</param>
    /// <param name="cold">Whether no page of what it reads was in the page cache; null where nobody knows.</param>
    /// <param name="onEvent">Gets the worker's events as they come, on the runtime's thread.</param>
    /// <param name="cancellation">Ends the run and leaves nothing of it.</param>
    /// <param name="onLine">Gets every line of standard output; null where nobody wants them.</param>
    /// <exception cref="RuntimeException">The case could not be run at all.</exception>
    public async Task<CaseRun> RunAsync(
        BudgetCase budget, ContainerSpec spec, bool? cold, Action<WorkerEvent>? onEvent, CancellationToken cancellation, Action<string>? onLine = null)
    {
        var observer = new CaseObserver(isOthers: spec.IsWatched, spec.CapBytes, spec.TellsLastReading);
        var began = Stopwatch.GetTimestamp();
        var ended = await runtime.RunAsync(spec with { OnReading = observer.AddOutside }, Take, cancellation);
        var took = Stopwatch.GetElapsedTime(began, ended.EndTimestamp ?? Stopwatch.GetTimestamp());
        var seen = observer.Snapshot(ended) with { Cold = cold };

        var (result, believed) = JudgedCase.Of(budget, Judgement.Of(budget, ended, seen), seen, ended.ExitCode, took.TotalSeconds);
        return new CaseRun(result, believed);

        void Take(string line)
        {
            onLine?.Invoke(line);
            if (observer.Add(line) is { } e) onEvent?.Invoke(e);
        }
    }
}

/// <summary>A case that ended.</summary>
/// <param name="Result">For tables and files.</param>
/// <param name="Seen">The worker's own words.</param>
internal sealed record CaseRun(CaseResult Result, Observation Seen);
