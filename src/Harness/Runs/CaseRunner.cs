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
        bool? cold = !budget.Command.IsEmpty && Path.Exists(path) ? PageCache.Evict(path).IsCold : null;
        return await RunAsync(budget, WorkerCommand.Of(budget, path), cold, onEvent, cancellation);
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
        var observer = new CaseObserver(isOthers: spec.IsWatched);
        var clock = Stopwatch.StartNew();
        var ended = await runtime.RunAsync(spec with { OnReading = observer.AddOutside }, Take, cancellation);
        var seen = observer.Snapshot(ended) with { Cold = cold };

        var (outcome, problem) = Judge(budget, ended, seen);
        if (problem is not null) seen = seen with { Failure = new FailedEvent(outcome.Name(), problem) };
        var verdict = Verdict.Of(budget, outcome, seen);
        return new CaseRun(CaseResults.Of(budget, outcome, verdict, seen, ended.ExitCode, clock.Elapsed.TotalSeconds), seen);

        void Take(string line)
        {
            onLine?.Invoke(line);
            if (observer.Add(line) is { } e) onEvent?.Invoke(e);
        }
    }

    /// <summary>The outcome, and the problem where it is one that the program itself could not tell.</summary>
    private static (Outcome Outcome, string? Problem) Judge(BudgetCase budget, ContainerOutcome ended, Observation seen)
    {
        // A program that thrashes may lose a thread to the cap before the timeout ends it, but it is the timeout that ended it.
        if (ended.TimedOut) return (Outcome.Timeout, null);
        if (ended.KilledByCap) return (Outcome.Killed, null);
        if (ended.ExitCode == ExitCodes.Killed) return (Outcome.Error, "SIGKILL ended it, but not the cap: the kernel counted no kill for memory");

        var worker = budget.Command.IsEmpty;
        if (ended.ExitCode == ExitCodes.Loaded && worker)
        {
            // Exit code 0 is a claim; the report and the verification are the evidence.
            if (seen.Report is null) return (Outcome.Error, "exit code 0 without a report");
            if (budget.Verify is not null && seen.Verified is null) return (Outcome.Error, "exit code 0 without the verification that was asked for");
            if (seen.Passes.Count < budget.Passes) return (Outcome.Error, $"exit code 0 after {seen.Passes.Count} of {budget.Passes} passes");
            if (budget.Reread is not null && Rereads.OfLater(seen.Passes) is null) return (Outcome.Error, "this kernel does not count what a process reads from disks (/proc/self/io)");
            if (Rereads.OfLater(seen.Passes) > budget.Reread) return (Outcome.Thrashed, null);
        }

        var said = seen.Failure is null ? ended.ErrorLines.LastOrDefault() : null;
        return ended.ExitCode switch
        {
            ExitCodes.Loaded => (Outcome.Loaded, null),
            ExitCodes.Refused when worker => (Outcome.Refused, said),
            ExitCodes.DeviceOutOfMemory when worker => (Outcome.DeviceOom, said),
            ExitCodes.VerificationFailed when worker => (Outcome.VerificationFailed, said),
            _ => (Outcome.Error, seen.Failure is null ? $"exit code {ended.ExitCode}{(said is null ? "" : ": " + said)}" : null),
        };
    }
}

/// <summary>A case that ended.</summary>
/// <param name="Result">For tables and files.</param>
/// <param name="Seen">The worker's own words.</param>
internal sealed record CaseRun(CaseResult Result, Observation Seen);
