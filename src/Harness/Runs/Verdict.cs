using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Runs;

/// <summary>Whether a case went as its budget says.</summary>
/// <param name="Pass">The expected outcome, within all budgets.</param>
/// <param name="Message">Where it did not pass: which budget was missed, by how much, and where. One sentence a miss.</param>
internal sealed record Verdict(bool Pass, string? Message)
{
    // A worker may name devices by the thousand.
    private const int MostMissed = 16;

    // As of a worker's text: no path is longer.
    private const int MostOfName = 4096;

    /// <summary>Holds what was seen against the case.</summary>
    public static Verdict Of(BudgetCase budget, Outcome outcome, Observation seen)
    {
        if (budget.Expect is null)
        {
            // Whoever only asks what survives has no answer from a load that broke or put wrong weights in place.
            var answered = outcome is not (Outcome.Error or Outcome.VerificationFailed);
            return new Verdict(answered, answered ? null : $"{Subject(budget)} under {Cap(budget)} {Became(outcome, budget, seen)}");
        }

        if (outcome != budget.Expect) return new Verdict(false, $"{Subject(budget)} {Expected(budget)} but {Became(outcome, budget, seen)}");
        var missed = Missed(budget, seen).Concat(Undecided(budget, seen)).ToList();
        if (missed.Count > MostMissed) missed = [.. missed.Take(MostMissed - 1), $"{missed.Count - MostMissed + 1} more of its budgets were missed"];
        return new Verdict(missed.Count == 0, missed.Count == 0 ? null : string.Join("\n", missed));
    }

    private static IEnumerable<string> Missed(BudgetCase budget, Observation seen)
    {
        var phase = HasPhases(budget) && seen.PeakPhase is { } name ? $", in phase {name}" : "";
        (string What, long? Limit, long? Peak, string Where)[] budgets =
        [
            ("anonymous memory", budget.PeakAnonymousBytes, seen.PeakAnonymousBytes, phase),
            ("host memory by the engine's count", budget.PeakHostBytes, seen.Report?.HostBytes, In(seen.Phases.MaxBy(p => p.PeakHostBytes))),
            ("device memory by the engine's count", budget.PeakDeviceBytes, seen.Report?.DeviceBytes, In(seen.Phases.MaxBy(p => p.PeakDeviceBytes))),
        ];
        var devices = seen.Report?.Devices?.Select(d => ($"memory on {NameList.Shortened(d.Device)}", d.LimitBytes, (long?)d.PeakBytes, "")) ?? [];
        foreach (var (what, limit, peak, where) in budgets.Concat(devices))
        {
            if (limit is null || peak <= limit) continue;
            yield return peak is null
                ? $"{Subject(budget)} was limited to {ByteSize.Format(limit.Value)} of {what}, but there is no reading of it{(seen.WhyUnread is { } why ? $": {why}" : "")}"
                : $"{Subject(budget)} was limited to {ByteSize.Format(limit.Value)} of {what} but peaked at {ByteSize.Format(peak.Value)}, "
                    + $"{ByteSize.Format(peak.Value - limit.Value)} over{where}";
        }
    }

    /// <summary>A peak between two readings may have been over the budget: what is not known to hold does not pass.</summary>
    private static IEnumerable<string> Undecided(BudgetCase budget, Observation seen)
    {
        if (budget.PeakAnonymousBytes is not { } limit || seen.PeakAnonymousBytes > limit || seen.PeakAnonymousAtMostBytes is not { } atMost || atMost <= limit) yield break;
        var read = seen.PeakAnonymousBytes is { } bytes ? $"{ByteSize.Format(bytes)} was read" : "nothing was read";
        yield return $"{Subject(budget)} was limited to {ByteSize.Format(limit)} of anonymous memory, and whether it kept to that is undecided: {read}, but by the kernel's own peak "
            + $"it may have held up to {ByteSize.Format(atMost)} between two readings; allow that much, or make the cap {ByteSize.Format(limit)}, which decides it";
    }

    // A load has them. What a test's body or a program does has no names.
    private static bool HasPhases(BudgetCase budget) => budget.Strategy is not null;

    private static string In(PhasePeak? phase) => phase is null ? "" : $", in phase {phase.Phase}";

    // The case first: of one strategy there may be several. A budget's texts may be as long as a result's, where a message is one and says more.
    private static string Subject(BudgetCase budget)
    {
        var (name, checkpoint) = (PrintableText.Shorten(budget.Name, MostOfName), PrintableText.Shorten(budget.Checkpoint, MostOfName));
        var subject = BudgetCase.SubjectOf(name, budget.Strategy, checkpoint, budget.Device);
        return budget.Strategy is null || budget.Name == budget.Strategy ? subject : $"'{name}': {subject}";
    }

    private static string Cap(BudgetCase budget) => SizeText.InWords(budget.CapBytes);

    private static string Expected(BudgetCase budget) => budget.Expect switch
    {
        Outcome.Loaded => $"was to load under {Cap(budget)}",
        Outcome.Thrashed => $"was to read more than {Rereads.Text(budget.Reread)} of its weights again at each use under {Cap(budget)}",
        Outcome.Killed => $"was to be killed under {Cap(budget)}",
        Outcome.DeviceOom => $"was to run out of device memory under {Cap(budget)}",
        _ => "was to be refused",
    };

    private static string Became(Outcome outcome, BudgetCase budget, Observation seen)
    {
        var phase = HasPhases(budget) && seen.LastPhase is { } name ? $" in phase {name}{(seen.LastTensor is { } tensor ? $" at tensor '{tensor}'" : "")}" : "";
        var peak = seen.PeakAnonymousBytes is { } bytes ? $"{ByteSize.Format(bytes)} of anonymous memory" : "no reading of anonymous memory";
        var words = seen.Failure is { } failure ? $": {failure.Message}" : "";
        return outcome switch
        {
            Outcome.Loaded => $"loaded: peak {peak}{(Rereads.OfLater(seen.Passes) is { } reread ? $", and read {Rereads.Text(reread)} of its weights again" : "")}",
            Outcome.Thrashed => $"thrashed: a use of its weights read {Rereads.Text(Rereads.OfLater(seen.Passes))} of them from the disk again, where {Rereads.Text(budget.Reread)} is allowed",
            Outcome.Killed => $"was killed by the cap{phase}: last seen with {peak}{(seen.Memory is { } memory ? $"; {memory.Last.Met()}" : "")}",
            Outcome.DeviceOom => $"ran out of device memory{phase}{words}",
            Outcome.Refused => $"was refused{words}",
            Outcome.VerificationFailed => $"loaded weights that are not those of the file{words}",
            Outcome.Timeout => $"did not end within {budget.Timeout.TotalSeconds:0} s{phase}: last seen with {peak}",
            _ => $"ended in error{phase}{(words == "" ? ": its output says more" : words)}",
        };
    }
}
