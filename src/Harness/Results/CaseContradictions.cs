using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>What no run writes about one case: whoever reads the file would believe one half of it.</summary>
internal static class CaseContradictions
{
    /// <summary>How far above its cap a reading may be: the kernel counts in batches, and lets some charges pass.</summary>
    private const long OverCapBytes = 64 * ByteSize.MiB;

    // A run keeps 20 lines of each of two streams, or 40, of 500 characters, which may be written as six.
    private const int MostLines = 64;
    private const int MostLineCharacters = 4096;

    /// <summary>Times of a pod's container are whole seconds, by another clock than its load's.</summary>
    public const double SecondsOff = 60;

    // For a machine that is slow to end what it was told to, and to tell.
    private const double SecondsToEnd = 300;

    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    /// <param name="result">The case.</param>
    /// <param name="outlives">Whether its cgroup is the harness's own, of which the peak is read when all in it has ended.</param>
    public static string? Of(CaseResult result, bool outlives = false) =>
        OfTexts(result) ?? OfSizes(result) ?? DeviceContradictions.In(result) ?? SampleContradictions.In(result)
        ?? OfNoise(result) ?? OfEnd(result) ?? OfWords(result) ?? (result.Pass ? OfPass(result, outlives) : null);

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
        if (result.Strategy is null != IsCommand(result)) return $"has {(IsCommand(result) ? "a strategy and" : "neither a strategy nor")} a command";
        // Of the engines' programs one has commands.
        if (IsCommand(result) && CaseMembers.Of(CaseScope.Worker).FirstOrDefault(member => member != "engine" && OwnMembers.ValueOf(result, member) is not null) is { } own)
            return $"has a command, and {own}, which is the worker's";
        if (result.LastLines is { Count: > MostLines } lines) return $"keeps {lines.Count} lines of a program's output, where a run keeps {MostLines} at most";
        if (result.LastLines?.FirstOrDefault(line => line.Length > MostLineCharacters) is { } line)
            return $"keeps a line of {line.Length} characters, where a run keeps {MostLineCharacters} at most";
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
        // What a worker's runtime held before the load it held in each run; by how much less is no matter of a few pages.
        if (least < result.BaselineAnonymousBytes / 2) return $"held {least} bytes in one of its runs, and {result.BaselineAnonymousBytes} before the load";
        if (OfBounds(result.Noise, result) is { } odd) return odd;
        if (result.PeakAnonymousBytes is not { } own) return null;
        // Its own figures are those of one of these runs: of the highest, where all of them went alike.
        if (own < least || own > most) return $"held {own} bytes of anonymous memory in runs between {least} and {most}";
        return result.Pass && (result.Expect is not null || result.Outcome.Lives()) && own != most ? $"passes, and held {own} bytes of anonymous memory in the worst of runs up to {most}" : null;
    }

    // A run of which nothing was read has none.
    private static string? OfBounds(Noise noise, CaseResult result)
    {
        var (least, most, own) = (noise.MinPeakAnonymousAtMostBytes, noise.MaxPeakAnonymousAtMostBytes, result.PeakAnonymousAtMostBytes);
        if (least is null && most is null) return null;
        if (!(least >= 0 && most >= least) || IsAboveCap(most, result.CapBytes)) return $"held at most {least} to {most} bytes in its runs, under a cap of {result.CapBytes}";
        return own < result.CapBytes && (own < least || own > most) ? $"held at most {own} bytes of anonymous memory in runs that held at most {least} to {most}" : null;
    }

    // A program that goes on without the process that its cap took ends with 0, and was killed; a worker does not. What it was else only a worker says, by its code.
    private static string? OfEnd(CaseResult result)
    {
        if (result.WallSeconds < 0) return $"took {result.WallSeconds} seconds";
        if (result.Outcome.Lives() && TimeoutSeconds(result) is { } allowed && result.WallSeconds > allowed + SecondsToEnd)
            return $"is {result.Outcome.Name()}, and took {result.WallSeconds} seconds where {allowed} are allowed";
        // Of a pod that was ended nobody may know how long it ran.
        if (result.Outcome.Lives() && result.Seconds - SecondsOff > result.WallSeconds) return $"took {result.WallSeconds} seconds, and loaded for {result.Seconds}";
        var (isWorker, name) = (!IsCommand(result), result.Outcome.Name());
        var saysItself = result.Outcome is Outcome.Refused or Outcome.DeviceOom or Outcome.VerificationFailed;
        if (!isWorker && (saysItself || result.Outcome == Outcome.Thrashed)) return $"is {name}, which nobody knows of a command";
        var isOther = result.Outcome.Lives() ? result.ExitCode != result.Outcome.ExitCode()
            : saysItself ? result.ExitCode is { } code && code != result.Outcome.ExitCode()
            : result.ExitCode == 0 && result.Outcome == Outcome.Killed && isWorker;
        // Verification and uses come after the load.
        if (isWorker && result is { Outcome: Outcome.Refused or Outcome.DeviceOom, Verify: null, Passes: null, Seconds: not null }) return $"is {name}, and loaded in {result.Seconds} seconds";
        if (isOther) return $"is {name}, and ended with {(result.ExitCode is { } other ? $"exit code {other}" : "no exit code")}";
        if (result.Outcome.Lives() && isWorker && (result.WeightBytes is null || result.Seconds is null || result.HostBytes is null || result.DeviceBytes is null))
            return $"is {name}, and tells nothing of its load";
        if (result.Outcome.Lives() && OfPeaks(result) is { } peak) return peak;
        if (!isWorker && TellsOfLoad(result)) return $"is {name}, and tells of its load, which nobody knows of a command";
        if (result.Outcome == Outcome.Thrashed && !(result.LaterReread > result.Reread))
            return $"is thrashed, and read {Rereads.Text(result.LaterReread)} of its weights again where {Rereads.Text(result.Reread)} is allowed";
        return result.Outcome == Outcome.Loaded && result.LaterReread > result.Reread
            ? $"is loaded, and read {Rereads.Text(result.LaterReread)} of its weights again where {Rereads.Text(result.Reread)} is allowed"
            : null;
    }

    // One that was made of the weights' size, or of an earlier run, has fractions of a second. What cannot be read judges nothing.
    private static double? TimeoutSeconds(CaseResult result) =>
        result.Timeout is not { } text ? BudgetCase.DefaultTimeout.TotalSeconds
        : DurationText.TryParse(text, out var timeout) ? timeout.TotalSeconds
        : text.EndsWith('s') && double.TryParse(text.AsSpan(..^1), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? seconds
        : null;

    // What only a worker says.
    private static bool TellsOfLoad(CaseResult result)
    {
        long?[] sizes =
        [
            result.WeightBytes, result.HostBytes, result.DeviceBytes, result.DriverDeviceBytes, result.DriverBaselineBytes,
            result.MappedBytes, result.BaselineAnonymousBytes, result.PeakRssBytes,
        ];
        object?[] others =
        [
            result.Passes, result.Format, result.Seconds, result.Tensors, result.MajorFaults, result.LastPhase, result.Library, result.DeviceMap,
            result.Choice, result.Forward, result.Holders,
        ];
        return Array.Exists(sizes, size => size is not null) || Array.Exists(others, other => other is not null);
    }

    // Said of those alone that they are about.
    private static string? OfWords(CaseResult result)
    {
        if (result.MetBy is { } odd && !Enum.GetValues<MemoryClass>().Any(one => one.Name() == odd)) return $"met its cap by {NameList.Shortened(odd)}, which is no class of memory";
        if (result.Outcome.Lives() && result.LastTensor is { } last) return $"is {result.Outcome.Name()}, and ended at tensor {NameList.Shortened(last)}";
        if (result.Outcome.Lives() && result.Reason is { } reason) return $"is {result.Outcome.Name()}, and did not load: {OneLine(reason)}";
        return result.Outcome != Outcome.Killed && result.MetBy is { } met ? $"is {result.Outcome.Name()}, and its cap was met by {NameList.Shortened(met)}" : null;
    }

    private static string OneLine(string text) => PrintableText.Shorten(text.ReplaceLineEndings(" "), 200);

    private static string? OfPass(CaseResult result, bool outlives)
    {
        if (result.Message is { } message) return $"passes, and did not: {OneLine(message)}";
        if (result.LastLines is not null) return "passes, and keeps the last lines of its output, which a run keeps of failures";
        if (result.Reread is not null && result.Outcome.Lives() && result.LaterReread is not >= 0) return "passes, and has no reading of what it read again";
        if (result.Expect is null && (result.PeakAnonymous ?? result.PeakHost ?? result.PeakDevice) is { } of) return $"has a budget of {of}, and expects nothing";
        if (result.Expect is not { } expected) return result.Outcome is Outcome.Error or Outcome.VerificationFailed ? $"passes, and is {result.Outcome.Name()}" : null;
        if (expected != result.Outcome.Name()) return $"passes, and is {result.Outcome.Name()} where {expected} is expected";
        // One that went on without what its cap took was read after that; a container's cgroup goes with its last process, and what it held last may not have been seen.
        // A worker's peak is of its load, and it may be killed while it uses the weights.
        var isPeakOfAll = IsCommand(result) && (outlives || result.ExitCode == 0);
        if (result.Outcome == Outcome.Killed && isPeakOfAll && result.PeakCgroupBytes is { } peak && CgroupPeaks.AreFarFromCap(peak, result.CapBytes))
            return $"passes, killed by its cap of {result.Cap}, of which its cgroup never held more than {ByteSize.Format(peak)}";
        if (!Outcomes.Expectable.Contains(result.Outcome)) return $"passes, and expects {expected}, which no budget does";
        foreach (var (what, bytes, limit) in Limited(result))
        {
            if (bytes is null) return $"passes, and has no reading of {what} where {ByteSize.FormatExact(limit)} is allowed";
            if (bytes > limit) return $"passes, and held {ByteSize.Format(bytes.Value)} of {what} where {ByteSize.FormatExact(limit)} is allowed";
        }

        return null;
    }

    /// <summary>All that a case's budgets are held against. What phases and runs held is no more than the case did.</summary>
    private static IEnumerable<(string What, long? Bytes, long LimitBytes)> Limited(CaseResult result)
    {
        if (result.BudgetBytes is { } anonymous)
        {
            yield return ("anonymous memory", result.PeakAnonymousBytes, anonymous);
            // A command's is read from outside, between whose readings it may have held more; a worker's is its own word.
            if (IsCommand(result)) yield return ("what its anonymous memory was at most", result.PeakAnonymousAtMostBytes, anonymous);
            else if (result.PeakAnonymousAtMostBytes is { } bound) yield return ("anonymous memory", bound, anonymous);
            if (result.Noise?.MaxPeakAnonymousAtMostBytes is { } ofRuns) yield return ("anonymous memory in one of its runs, at most", ofRuns, anonymous);
        }

        if (result.PeakHost is { } host) yield return ("host memory", result.HostBytes, ByteSize.Parse(host));
        if (result.PeakDevice is { } device) yield return ("device memory", result.DeviceBytes, ByteSize.Parse(device));
        foreach (var one in result.Devices ?? [])
        {
            // A limit below nothing allows nothing.
            if (one.LimitBytes is { } limit) yield return ($"memory on {NameList.Shortened(one.Device)}", one.PeakBytes, Math.Max(limit, 0));
        }
    }

    private static string? OfPeaks(CaseResult result) =>
        PeakContradictions.Of(result.PeakAnonymousBytes, result.BaselineAnonymousBytes, result.PeakCgroupBytes, result.Processes is null or 1 ? result.PeakRssBytes : null);

    private static bool IsCommand(CaseResult result) => result.Command is { Count: > 0 };
}
