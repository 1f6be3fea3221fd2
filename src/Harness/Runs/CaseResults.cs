using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runs;

/// <summary>From a case and what was seen of it to its line of the results.</summary>
internal static class CaseResults
{
    /// <summary>Puts a case and what was seen of it together.</summary>
    public static CaseResult Of(BudgetCase budget, Outcome outcome, Verdict verdict, Observation seen, int? exitCode, double wallSeconds) =>
        CaseResult.Of(budget, outcome, verdict.Pass).With(seen.Report) with
        {
            Message = verdict.Message,
            Reason = outcome.Lives() ? null : seen.Failure?.Message,
            PlannedCapBytes = budget.PlannedCapBytes,
            ExitCode = exitCode,
            Passes = seen.Passes.Count == 0 ? null : seen.Passes,
            LastPhase = seen.LastPhase,
            LastTensor = outcome.Lives() ? null : seen.LastTensor,
            WallSeconds = Math.Round(wallSeconds, 3),
            Library = seen.Start?.Engine is { } engine && engine != EngineNames.Native ? engine : null,
            Cold = seen.Report?.Cold ?? seen.Start?.Cold ?? seen.Cold,
            // Of another program nobody counts what is whose, although a test's body tells when it has returned.
            HostBytes = budget.Command.IsEmpty ? seen.Report?.HostBytes ?? seen.PeakHostBytes : null,
            DeviceBytes = budget.Command.IsEmpty ? seen.Report?.DeviceBytes ?? seen.PeakDeviceBytes : null,
            BaselineAnonymousBytes = seen.Report?.BaselineAnonymousBytes ?? seen.Start?.BaselineAnonymousBytes,
            PeakAnonymousBytes = seen.PeakAnonymousBytes,
            PeakAnonymousAtMostBytes = seen.PeakAnonymousAtMostBytes,
            WhyUnread = seen.PeakAnonymousBytes is null ? seen.WhyUnread : null,
            PeakPhase = seen.PeakPhase,
            PeakCgroupBytes = seen.PeakCgroupBytes,
            Memory = seen.Memory,
            MetBy = outcome == Outcome.Killed ? seen.Memory?.Last.Foremost.Name() : null,
            Phases = seen.Phases.Count == 0 ? null : seen.Phases,
            Holders = seen.Holders.Count == 0 ? null : seen.Holders,
            Timeline = seen.Timeline,
            LastLines = verdict.Pass ? null : seen.LastLines,
        };
}
