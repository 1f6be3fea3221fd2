using System.Collections.Frozen;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>What became of a case, by how its program ended and what it said.</summary>
internal static class Judgement
{
    private static readonly FrozenDictionary<int, Outcome> Ends = new Dictionary<int, Outcome>
    {
        [ExitCodes.Refused] = Outcome.Refused,
        [ExitCodes.DeviceOutOfMemory] = Outcome.DeviceOom,
        [ExitCodes.VerificationFailed] = Outcome.VerificationFailed,
    }.ToFrozenDictionary();

    /// <summary>The outcome, and the problem where it is one that the program itself could not tell.</summary>
    public static (Outcome Outcome, string? Problem) Of(BudgetCase budget, ContainerOutcome ended, Observation seen)
    {
        // A program that thrashes may lose a thread to the cap before the timeout ends it, but it is the timeout that ended it.
        if (ended.TimedOut) return (Outcome.Timeout, null);
        if (ended.KilledByCap) return (Outcome.Killed, null);
        if (ended.KilledByAnother)
            return (Outcome.Error, "the kernel killed a process of it for memory, and its cap was not why, which it never held half of: the machine had none left, or it made a limit of its own");
        if (ended.ExitCode == ExitCodes.Killed) return (Outcome.Error, "SIGKILL ended it, but not the cap: the kernel counted no kill for memory");

        var worker = budget.Command.IsEmpty;
        if (worker && seen.WhyOutOfOrder is { } disorder) return (Outcome.Error, $"its worker {disorder}");
        if (ended.ExitCode == ExitCodes.Loaded && worker)
        {
            // Exit code 0 is a claim; the report and the verification are the evidence.
            if (seen.WhyImpossible is { } lie) return (Outcome.Error, $"its worker {lie}");
            if (seen.Failure is { } failed) return (Outcome.Error, $"exit code 0, and its worker says that it failed: {failed.Message}");
            if (seen.Report is null) return (Outcome.Error, "exit code 0 without a report");
            if (seen.WhyNotBelieved is { } doubt) return (Outcome.Error, $"its worker {doubt}");
            if (budget.Verify is not null && seen.Verified is null) return (Outcome.Error, "exit code 0 without the verification that was asked for");
            // All are read back, where a forward may have no use for some.
            if (budget.Verify != Known.Forward && seen.Verified?.Tensors < seen.Report.Tensors)
                return (Outcome.Error, $"its worker verified {seen.Verified.Tensors} of the {seen.Report.Tensors} tensors that it loaded");
            if (seen.Passes.Count < budget.Passes) return (Outcome.Error, $"exit code 0 after {seen.Passes.Count} of {budget.Passes} passes");
            if (budget.Reread is not null && Rereads.OfLater(seen.Passes) is null) return (Outcome.Error, "this kernel does not count what a process reads from disks (/proc/self/io)");
            if (Rereads.OfLater(seen.Passes) > budget.Reread) return (Outcome.Thrashed, null);
        }

        if (ended.ExitCode == ExitCodes.Loaded) return (Outcome.Loaded, null);
        // Shells and tools end with these codes, too: a worker says besides what it was.
        if (worker && seen.Failure is { } failure && Ends.TryGetValue(ended.ExitCode, out var outcome) && failure.Kind == outcome.Name())
        {
            // Refused for what it never saw: a file that is not there for it or that it may not read, an image with a worker of another version.
            return failure.Cause is { } cause ? (Outcome.Error, $"{failure.Message} ({cause})") : (outcome, null);
        }

        var said = seen.Failure?.Message ?? ended.ErrorLines.LastOrDefault();
        return (Outcome.Error, $"exit code {ended.ExitCode}{(said is null ? "" : ": " + said)}");
    }
}
