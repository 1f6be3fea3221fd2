using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Comparing;

/// <summary>Holds a case against the same case of an earlier run.</summary>
internal static class CaseComparer
{
    /// <summary>How far anonymous peaks of the same load lie apart where nobody measured it.</summary>
    public const long DefaultNoiseBytes = ByteSize.MiB / 2;

    /// <summary>What spread of the later run counts at most.</summary>
    public const long MostOwnNoiseBytes = 2 * ByteSize.MiB;

    /// <summary>
    /// How far the bounds of a program's peak between two readings may lie apart where nobody measured more: what comes from files in 2 ms, at the 8 GiB a second
    /// that a few processors copy. Readings of a busy machine lie further apart.
    /// </summary>
    public const long BoundNoiseBytes = 16 * ByteSize.MiB;

    /// <summary>How far rereads of the same load lie apart, as a share of its weights.</summary>
    public const double RereadNoise = 0.05;

    /// <summary>The same where both thrash, as a share of what was read before: how far the kernel reads ahead of pages that it drops again is chance.</summary>
    public const double ThrashingNoise = 0.25;

    // A bound this near to the cap says as little as the cap.
    private const double NearCap = 0.95;

    // Where what is read again comes from, which is no memory.
    private const string Disk = "disk";

    // The kernel counts in batches of this size, proc(5): no spread that was measured can be finer.
    private const long GaugeBytes = 128 * ByteSize.KiB;

    public static ComparedCase Compare(CaseResult before, CaseResult after)
    {
        if (CaseAlterations.Between(before, after, member => member.Alters).Concat(CaseAlterations.OfWeights(before, after)).ToList() is { Count: > 0 } alterations)
        {
            // Whoever changes what a case loads, and its budget with it, has the gate green: what it takes now is more all the same.
            return Growths(before, after).ToList() is { Count: > 0 } growths
                ? new ComparedCase(after.Name, Change.Regressed, before, after) { Sentences = [$"'{after.Name}' is another case now ({string.Join("; ", alterations)}): {string.Join("; ", growths)}"] }
                : new ComparedCase(after.Name, Change.Altered, before, after) { Sentences = [$"is another case now, which takes no more: {string.Join("; ", alterations)}"] };
        }

        if (before.Outcome != after.Outcome) return OfOutcomes(before, after);
        // A load that ended early was seen by chance at whatever it held then.
        if (!after.Outcome.Lives()) return new ComparedCase(after.Name, Change.Same, before, after);

        var gauges = Gauges(before, after).ToList();
        var grown = gauges.Where(g => g.Growth > g.Tolerance).ToList();
        var lost = gauges.Where(g => g.IsLost).ToList();
        var change = grown.Count + lost.Count > 0 ? Change.Regressed : gauges.Any(g => g.Growth < -g.Tolerance) ? Change.Improved : Change.Same;
        return new ComparedCase(after.Name, change, before, after) { Sentences = [.. grown.Select(g => Sentence(before, after, g)), .. lost.Select(g => Loss(after, g))] };
    }

    /// <summary>
    /// How far anonymous peaks of this case lie apart: the larger spread of the two runs, where it was measured. The later run's own excuses little: what grows
    /// in some of its runs only has grown.
    /// </summary>
    public static long NoiseBytes(CaseResult before, CaseResult after) => before.Noise is null && after.Noise is null
        ? DefaultNoiseBytes
        : Math.Max(GaugeBytes, Math.Max(Spread(before), Math.Min(Spread(after), MostOwnNoiseBytes)));

    // The later run's own excuses no more than what is allowed anyhow.
    private static long BoundNoise(CaseResult before, CaseResult after) =>
        Math.Max(Math.Max(BoundNoiseBytes, NoiseBytes(before, after)), before.Noise?.MaxPeakAnonymousAtMostBytes - before.Noise?.MinPeakAnonymousAtMostBytes ?? 0);

    private static double RereadTolerance(CaseResult before, CaseResult after) =>
        before.Outcome == Outcome.Thrashed && after.Outcome == Outcome.Thrashed ? Math.Max(RereadNoise, ThrashingNoise * (before.LaterReread ?? 0)) : RereadNoise;

    private static long Spread(CaseResult result) => result.Noise is { } noise ? noise.MaxPeakAnonymousBytes - noise.MinPeakAnonymousBytes : 0;

    private static IEnumerable<string> Growths(CaseResult before, CaseResult after)
    {
        (string What, long? Base, long? Head, long Tolerance)[] budgets =
        [
            ("its budget", before.BudgetBytes, after.BudgetBytes, NoiseBytes(before, after)),
            ("its budget of host memory", Size(before.PeakHost), Size(after.PeakHost), 0),
            ("its budget of device memory", Size(before.PeakDevice), Size(after.PeakDevice), 0),
        ];
        // What did not live was seen by chance at whatever it held then.
        var gauges = before.Outcome.Lives() && after.Outcome.Lives() ? Gauges(before, after).Where(g => g.Memory != Disk).ToList() : [];
        foreach (var (what, old, now, tolerance) in budgets.Concat(gauges.Select(g => ($"its {g.What}", g.Before, g.After, g.Tolerance))))
        {
            if (old is { } from && now is { } to && to - from > tolerance)
                yield return $"{what} grew by {ByteSize.Format(to - from)}, from {ByteSize.Format(from)} to {ByteSize.Format(to)}";
        }

        // As shares: of other weights the bytes are others.
        if (before.Reread is { } allowed && !(after.Reread <= allowed))
            yield return after.Reread is { } allows ? $"its budget of reading again grew from {Rereads.Text(allowed)} to {Rereads.Text(allows)} of its weights" : "its budget of reading again is gone";
        if (before.Outcome.Lives() && after.Outcome.Lives() && before.LaterReread is { } again && !(after.LaterReread - again <= RereadTolerance(before, after)))
        {
            yield return after.LaterReread is { } more
                ? $"a use of its weights reads {Rereads.Text(more)} of them again, where it was {Rereads.Text(again)}"
                : $"it has no figure of its reading at a use of its weights any more, which was {Rereads.Text(again)} of them";
        }

        // A program has other figures than a load, but for the first.
        var isOfOneKind = before.Command is { Count: > 0 } == after.Command is { Count: > 0 };
        foreach (var lost in gauges.Where((gauge, index) => gauge.IsLost && (isOfOneKind || index == 0))) yield return $"it has no figure of its {lost.What} any more, which was {ByteSize.Format(lost.Before!.Value)}";
        if (Rank(after.Outcome) < Rank(before.Outcome)) yield return $"it is {after.Outcome.Name()} now";
        foreach (var (what, _, _, _) in budgets.Where(b => b is { Base: not null, Head: null })) yield return $"{what} is gone";

        static long? Size(string? text) => text is null ? null : ByteSize.Parse(text);
    }

    private static ComparedCase OfOutcomes(CaseResult before, CaseResult after)
    {
        var better = Rank(after.Outcome) - Rank(before.Outcome);
        var change = better > 0 ? Change.Improved : better < 0 || !after.Pass ? Change.Regressed : Change.Altered;
        var phase = after.LastPhase is { } name ? $", in phase {name}" : "";
        var cap = before.CapBytes == after.CapBytes
            ? $" under {SizeText.InWords(after.CapBytes)}"
            : $" under {SizeText.InWords(before.CapBytes)}, and under {SizeText.InWords(after.CapBytes)}";
        var sentence = $"{after.Subject} was {before.Outcome.Name()}{cap} and is {after.Outcome.Name()} now{phase}{(after.Message is { } message ? $": {message.Split('\n')[0]}" : "")}";
        // What copies all that it had mapped thrashes no more, which is no cure.
        List<Gauge> gauges = change == Change.Improved && before.Outcome.Lives() ? [.. Gauges(before, after)] : [];
        var growths = gauges.Where(g => g.Memory != Disk && g.Growth > g.Tolerance).Select(g => Sentence(before, after, g))
            .Concat(gauges.Where(g => g.IsLost).Select(g => Loss(after, g))).ToList();
        return new ComparedCase(after.Name, growths.Count > 0 ? Change.Regressed : change, before, after) { Sentences = [sentence, .. growths] };
    }

    private static int Rank(Outcome outcome) => outcome switch { Outcome.Loaded => 2, Outcome.Thrashed => 1, _ => 0 };

    private static IEnumerable<Gauge> Gauges(CaseResult before, CaseResult after)
    {
        var phases = after.Phases ?? [];
        yield return new Gauge("anonymous memory", before.PeakAnonymousBytes, after.PeakAnonymousBytes, NoiseBytes(before, after), after.PeakPhase, "host");
        // Where the end was not seen, the bound is the cap: that says nothing, and so is no growth.
        if (before.PeakAnonymousAtMostBytes < NearCap * before.CapBytes && !(after.PeakAnonymousAtMostBytes >= NearCap * after.CapBytes))
        {
            yield return new Gauge(
                "anonymous memory at most, between two readings", before.PeakAnonymousAtMostBytes, after.PeakAnonymousAtMostBytes, BoundNoise(before, after), null, "host");
        }

        yield return new Gauge("host memory by the engine's count", before.HostBytes, after.HostBytes, 0, PhaseOf(p => p.PeakHostBytes), "host");
        yield return new Gauge("device memory by the engine's count", before.DeviceBytes, after.DeviceBytes, 0, PhaseOf(p => p.PeakDeviceBytes), "device");
        var weightBytes = Math.Min(before.WeightBytes ?? 0, after.WeightBytes ?? 0);
        yield return new Gauge(
            "reading from the disk at a use of its weights", RereadBytes(before), RereadBytes(after), (long)(RereadTolerance(before, after) * weightBytes), null, Disk);

        static long? RereadBytes(CaseResult result) => result.LaterReread * result.WeightBytes is { } bytes ? (long)bytes : null;

        string? PhaseOf(Func<PhasePeak, long> bytes) => phases.MaxBy(bytes)?.Phase;
    }

    private static string Loss(CaseResult after, Gauge gauge) =>
        $"{after.Subject} has no figure of {gauge.What} any more, where it was {ByteSize.Format(gauge.Before!.Value)}{(after.WhyUnread is { } why ? $": {why}" : "")}";

    private static string Sentence(CaseResult before, CaseResult after, Gauge gauge)
    {
        var phase = gauge.Phase is null ? "" : $" in phase {gauge.Phase}";
        var noise = gauge.Tolerance > 0 ? $"; the noise is {ByteSize.Format(gauge.Tolerance)}" : "";
        return $"{after.Subject} took {ByteSize.Format(gauge.After!.Value)} of {gauge.What}{phase}, "
            + $"{ByteSize.Format(gauge.Growth)} more than the {ByteSize.Format(gauge.Before!.Value)} before{noise}{Holders(before, after, gauge.Memory)}";
    }

    // The engine's memory by use, where a use grew: whoever made it grow knows at once where.
    private static string Holders(CaseResult before, CaseResult after, string memory)
    {
        var old = Uses(before).DistinctBy(u => u.Use).ToDictionary(u => u.Use, u => u.Bytes);
        var grown = Uses(after).Where(u => u.Bytes > old.GetValueOrDefault(u.Use))
            .Select(u => $"{u.Use} {ByteSize.Format(u.Bytes)}, {ByteSize.Format(old.GetValueOrDefault(u.Use))} before").ToList();
        return grown.Count == 0 ? "" : $"; held for: {string.Join("; ", grown)}";

        IEnumerable<Loadline.Measuring.HeldForUse> Uses(CaseResult result) => result.Holders?.FirstOrDefault(h => h.Memory == memory)?.Uses ?? [];
    }

    private sealed record Gauge(string What, long? Before, long? After, long Tolerance, string? Phase, string Memory)
    {
        // Nobody knows then whether it grew.
        public bool IsLost => Before is not null && After is null;

        // What only one of the runs has is no growth.
        public long Growth => After - Before ?? 0;
    }
}
