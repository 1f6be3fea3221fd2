using Loadline.Checkpoints;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>What no run writes about one case: whoever reads the file would believe one half of it.</summary>
internal static class CaseContradictions
{
    /// <summary>How far above its cap a reading may be: the kernel counts in batches, and lets some charges pass.</summary>
    private const long OverCapBytes = 64 * ByteSize.MiB;

    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? Of(CaseResult result) =>
        OfTexts(result) ?? OfSizes(result) ?? SampleContradictions.In(result) ?? OfNoise(result) ?? OfEnd(result) ?? OfWords(result) ?? (result.Pass ? OfPass(result) : null);

    /// <summary>Whether no kernel that holds the cap lets so much live.</summary>
    /// <param name="bytes">A reading; null where there is none.</param>
    /// <param name="capBytes">The hard limit.</param>
    public static bool IsAboveCap(long? bytes, long capBytes) => bytes - OverCapBytes > capBytes;

    // What is no size would hold nobody to anything.
    private static string? OfTexts(CaseResult result)
    {
        if (result.CapBytes <= 0) return $"has a cap of {result.CapBytes} bytes";
        if (!ByteSize.TryParse(result.Cap, out var cap) || cap != result.CapBytes) return $"has a cap of {result.CapBytes} bytes, and says '{NameList.Shortened(result.Cap)}'";
        string?[] budgets = [result.PeakAnonymous, result.PeakHost, result.PeakDevice];
        if (Array.Find(budgets, text => text is not null && !ByteSize.TryParse(text, out _)) is { } odd) return $"has a budget of '{NameList.Shortened(odd)}', which is no size";
        // What a device holds is not the cap's.
        return Array.Find([result.PeakAnonymous, result.PeakHost], text => text is not null && ByteSize.Parse(text) > cap) is { } wide
            ? $"has a budget of {NameList.Shortened(wide)}, above its cap of {result.Cap}"
            : null;
    }

    private static string? OfSizes(CaseResult result)
    {
        (string What, long? Bytes)[] held = [("anonymous memory", result.PeakAnonymousBytes), ("anonymous memory", result.PeakAnonymousAtMostBytes)];
        (string What, long? Bytes)[] all = [.. held, ("host memory", result.HostBytes), ("device memory", result.DeviceBytes)];
        if (Array.Find(all, size => size.Bytes < 0) is { What: not null } below) return $"held {below.Bytes} bytes of {below.What}";
        if (FiguresBelowZero.In(result) is { } figure) return $"has {figure}";
        if (result.PeakAnonymousAtMostBytes < result.PeakAnonymousBytes)
            return $"held {ByteSize.Format(result.PeakAnonymousBytes.Value)} of anonymous memory, and at most {ByteSize.Format(result.PeakAnonymousAtMostBytes.Value)}";
        (string What, long? Bytes)[] charged = [.. held, ("memory", result.PeakCgroupBytes), ("memory", result.Memory?.Peaks.ChargedBytes)];
        return Array.Find(charged, size => IsAboveCap(size.Bytes, result.CapBytes)) is { What: not null } above
            ? $"held {ByteSize.Format(above.Bytes!.Value)} of {above.What} under a cap of {result.Cap}"
            : null;
    }

    // One that is wide would excuse any growth.
    private static string? OfNoise(CaseResult result)
    {
        if (result.Noise is not { Runs: var runs, MinPeakAnonymousBytes: var least, MaxPeakAnonymousBytes: var most }) return null;
        if (runs < 2) return $"ran {runs} times, and tells how far its runs lie apart";
        if (least < 0 || most < least || IsAboveCap(most, result.CapBytes)) return $"ran between {least} and {most} bytes under a cap of {result.CapBytes}";
        // Its own figures are those of one of these runs.
        return result.PeakAnonymousBytes is { } own && (own < least || own > most) ? $"held {own} bytes of anonymous memory in runs between {least} and {most}" : null;
    }

    // A program that goes on without the process that its cap took ends with 0, and was killed; a worker does not. What it was else only a worker says, by its code.
    private static string? OfEnd(CaseResult result)
    {
        if (result.WallSeconds < 0) return $"took {result.WallSeconds} seconds";
        var (isWorker, name) = (result.Command is not { Count: > 0 }, result.Outcome.Name());
        var saysItself = result.Outcome is Outcome.Refused or Outcome.DeviceOom or Outcome.VerificationFailed;
        if (!isWorker && (saysItself || result.Outcome == Outcome.Thrashed)) return $"is {name}, which nobody knows of a command";
        var isOther = result.Outcome.Lives() || saysItself ? result.ExitCode is { } code && code != result.Outcome.ExitCode()
            : result.ExitCode == 0 && result.Outcome == Outcome.Killed && isWorker;
        if (isOther) return $"is {name}, and ended with exit code {result.ExitCode}";
        if (result.Outcome == Outcome.Thrashed && !(result.LaterReread > result.Reread))
            return $"is thrashed, and read {Rereads.Text(result.LaterReread)} of its weights again where {Rereads.Text(result.Reread)} is allowed";
        return result.Outcome == Outcome.Loaded && result.LaterReread > result.Reread
            ? $"is loaded, and read {Rereads.Text(result.LaterReread)} of its weights again where {Rereads.Text(result.Reread)} is allowed"
            : null;
    }

    // Said of those alone that they are about.
    private static string? OfWords(CaseResult result)
    {
        if (result.Outcome.Lives() && result.Reason is { } reason) return $"is {result.Outcome.Name()}, and did not load: {OneLine(reason)}";
        return result.Outcome != Outcome.Killed && result.MetBy is { } met ? $"is {result.Outcome.Name()}, and its cap was met by {NameList.Shortened(met)}" : null;
    }

    private static string OneLine(string text) => PrintableText.Shorten(text.ReplaceLineEndings(" "), 200);

    private static string? OfPass(CaseResult result)
    {
        if (result.Message is { } message) return $"passes, and did not: {OneLine(message)}";
        if (result.Reread is not null && result.Outcome.Lives() && result.LaterReread is not >= 0) return "passes, and has no reading of what it read again";
        if (result.Expect is null && (result.PeakAnonymous ?? result.PeakHost ?? result.PeakDevice) is { } of) return $"has a budget of {of}, and expects nothing";
        if (result.Expect is not { } expected) return result.Outcome is Outcome.Error or Outcome.VerificationFailed ? $"passes, and is {result.Outcome.Name()}" : null;
        if (expected != result.Outcome.Name()) return $"passes, and is {result.Outcome.Name()} where {expected} is expected";
        if (!Outcomes.Expectable.Contains(result.Outcome)) return $"passes, and expects {expected}, which no budget does";
        foreach (var (what, bytes, limit) in Limited(result))
        {
            if (bytes is null) return $"passes, and has no reading of {what} where {limit} is allowed";
            if (bytes > ByteSize.Parse(limit)) return $"passes, and held {ByteSize.Format(bytes.Value)} of {what} where {limit} is allowed";
        }

        return null;
    }

    /// <summary>All that a case's budgets are held against: of a reading that there need not be, only where it is there.</summary>
    private static IEnumerable<(string What, long? Bytes, string Limit)> Limited(CaseResult result)
    {
        var phases = result.Phases ?? [];
        (string? Limit, string What, long? Bytes, IEnumerable<(string In, long? Bytes)> Others)[] budgets =
        [
            (result.PeakAnonymous, "anonymous memory", result.PeakAnonymousBytes,
            [
                ("", result.PeakAnonymousAtMostBytes), (" in one of its runs", result.Noise?.MaxPeakAnonymousBytes),
                .. phases.Select(p => (InPhase(p), (long?)p.PeakAnonymousBytes)),
            ]),
            (result.PeakHost, "host memory", result.HostBytes, phases.Select(p => (InPhase(p), (long?)p.PeakHostBytes))),
            (result.PeakDevice, "device memory", result.DeviceBytes, phases.Select(p => (InPhase(p), (long?)p.PeakDeviceBytes))),
        ];
        foreach (var (limit, what, bytes, others) in budgets)
        {
            if (limit is null) continue;
            yield return (what, bytes, limit);
            foreach (var other in others)
            {
                if (other.Bytes is not null) yield return (what + other.In, other.Bytes, limit);
            }
        }

        foreach (var device in result.Devices ?? [])
        {
            // A limit below nothing allows nothing.
            if (device.LimitBytes is { } limit) yield return ($"memory on {NameList.Shortened(device.Device)}", device.PeakBytes, ByteSize.FormatExact(Math.Max(limit, 0)));
        }

        static string InPhase(PhasePeak phase) => $" in phase {NameList.Shortened(phase.Phase)}";
    }
}
