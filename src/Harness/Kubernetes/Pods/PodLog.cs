using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>
/// A pod's log as <c>kubectl logs</c> gives it: standard output and standard error in one. Lines count only where the program is the worker, and only where
/// they can be its own: it says each of its great words once, and the first of them first.
/// </summary>
internal sealed class PodLog
{
    /// <summary>How finely kernels round a limit: to pages, the largest of which have 64 KiB.</summary>
    private const long RoundingBytes = 64 * ByteSize.KiB;

    /// <summary>More than any machine has.</summary>
    private const long MostBytes = 1L << 58;

    /// <summary>A log with so many broken lines counts for nothing, and to find each of them broken takes long.</summary>
    private const int MostBroken = 1000;

    // Of all logs together.
    private const int MostBrokenInAll = 20_000;

    private readonly CaseObserver _observer = new();
    private readonly ClusterCase _case;
    private WorkerEvent? _first;
    private string? _lastBroken;
    private string? _last;
    private int _broken;
    private bool _hasNegative;

    private LogsRead _read = new();

    private PodLog(ClusterCase one) => _case = one;

    /// <summary>What the log showed.</summary>
    public Observation Seen { get; private set; } = new();

    /// <summary>What is missing of it, as the rest of a sentence; null where it is whole.</summary>
    public string? Loss { get; private set; }

    /// <summary>Why it cannot be the log of this case's worker, as the rest of a sentence; null where it can.</summary>
    public string? WhyOther { get; private set; }

    /// <summary>The last line that is not the worker's: where it breaks, the reason stands there.</summary>
    public string? LastWords { get; private set; }

    /// <summary>Where there is none.</summary>
    public static PodLog None(ClusterCase one, string why) => new(one) { Loss = why };

    /// <summary>Reads one, in bounded memory.</summary>
    /// <param name="path">The log.</param>
    /// <param name="one">Its case.</param>
    /// <param name="read">What was read already: names of one log would have it read for each pod.</param>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static PodLog Read(string path, ClusterCase one, LogsRead read)
    {
        var log = new PodLog(one) { _read = read };
        try
        {
            // What a link leads to is somebody's file, and its last lines would be printed. Asked of the very file that is read.
            using var handle = SourceFile.TryOpenNoLink(path);
            if (handle is null) return None(one, "is a link, which is not followed: put the log itself there");
            if (FileIdentity.Of($"/proc/self/fd/{handle.DangerousGetHandle()}") is { } found && !read.Files.Add(found.File)) return None(one, "is another pod's log by another name");
            // A pipe or a device is refused without waiting for it.
            var length = FileVersion.Of(path, handle).Bytes;
            using var stream = new FileStream(handle, FileAccess.Read);
            log.Complete(endsLine: log.ReadLines(stream, length));
            return log;
        }
        catch (Exception e) when (e is CheckpointException or IOException or UnauthorizedAccessException)
        {
            throw new InputException(e is CheckpointException ? e.Message : $"{path}: cannot be read: {e.Message}");
        }
    }

    // No more than its length: some devices have none, and no end.
    private bool ReadLines(Stream stream, long length)
    {
        var splitter = new LineSplitter(Take);
        var buffer = new byte[Math.Min(64 << 10, length)];
        var endsLine = true;
        int read;
        for (; (read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, length))) > 0; length -= read)
        {
            splitter.Append(buffer.AsSpan(0, read));
            endsLine = buffer[read - 1] == '\n';
        }

        splitter.Complete();
        return endsLine;
    }

    private void Take(string line)
    {
        _last = line;
        var e = _case.TellsItself && _broken < MostBroken && _read.Broken < MostBrokenInAll ? WorkerJson.TryRead(line) : null;
        if (e is ProgressEvent or ConvertedEvent || (e is SampleEvent sample && !CaseObserver.IsSound(sample))) e = null;
        if (e is null)
        {
            _observer.AddForeign(line);
            if (_case.TellsItself && line.StartsWith(WorkerJson.Start, StringComparison.Ordinal)) (_broken, _read.Broken, _lastBroken) = (_broken + 1, _read.Broken + 1, line);
            else if (!string.IsNullOrWhiteSpace(line)) LastWords = line;
            return;
        }

        _first ??= e;
        _hasNegative |= NegativeFigures.Any(e);
        _observer.Add(line, e);
    }

    private void Complete(bool endsLine)
    {
        Seen = _observer.Snapshot();
        // The report has them all, where lines of some were lost.
        if (Seen.Report?.Passes is { } passes && passes.Count > Seen.Passes.Count) Seen = Seen with { Passes = passes };
        if (LastWords is { } words) LastWords = PrintableText.Shorten(PrintableText.Escape(words), 300);
        if (!_case.TellsItself) return;
        var isCut = !endsLine && _lastBroken is not null && ReferenceEquals(_last, _lastBroken);
        var inside = _broken - (isCut ? 1 : 0);
        string?[] losses =
        [
            _first is null ? "has no line of the worker's" : null,
            _first is not (null or StartEvent or FailedEvent) ? "has lost its beginning, as by a rotation" : null,
            inside > 0 ? $"has {inside} of the worker's lines cut" : null,
            isCut || (!endsLine && _first is null && _last is { Length: > 0 }) ? "ends in the middle of a line" : null,
        ];
        Loss = string.Join(" and ", losses.OfType<string>()) is { Length: > 0 } loss ? loss : null;
        WhyOther = Contradiction();
    }

    private string? Contradiction()
    {
        if (Seen.WhyOutOfOrder is { } disorder) return disorder;
        if (Seen.Start is { } start)
        {
            if (_first is not (StartEvent or FailedEvent)) return "says 'start' after other lines of the worker's";
            if (start.CgroupVersion is null) return "says that the worker found no limit";
            if (start.CgroupVersion is not (1 or 2)) return $"says that the worker ran under version {start.CgroupVersion} of cgroups";
            if (Math.Abs(start.LimitBytes - _case.Case.CapBytes) >= RoundingBytes)
                return $"says that the worker found a limit of {ByteSize.Format(start.LimitBytes)}, and not its cap of {ByteSize.Format(_case.Case.CapBytes)}";
        }

        if (_hasNegative) return NegativeFigures.Why;
        if (CaseContradictions.IsAboveCap(Seen.HighestSampleBytes, _case.Case.CapBytes)) return AboveCap(Seen.HighestSampleBytes);
        if (Seen.Report is not { } report) return null;
        if (!IsOf(_case.Case, report)) return $"is of another case: {report.Strategy} on {report.Device} by {report.Engine}";
        if (report.Tensors == 0 || report.WeightBytes == 0) return "says that it loaded nothing";
        if (report.PeakAnonymousBytes - _case.Case.CapBytes > CgroupMemory.CountErrorBytes) return AboveCap(report.PeakAnonymousBytes);
        if (CaseContradictions.IsAboveCap(report.PeakCgroupBytes, _case.Case.CapBytes)) return AboveCap(report.PeakCgroupBytes!.Value);
        if (Math.Max(report.HostBytes, report.DeviceBytes) > MostBytes) return "has figures that no machine has";
        var baseline = Math.Max(report.BaselineAnonymousBytes, Seen.Start?.BaselineAnonymousBytes ?? 0);
        if (PeakContradictions.Of(report.PeakAnonymousBytes, baseline, report.PeakCgroupBytes, report.Processes == 1 ? report.PeakRssBytes : null) is { } odd) return $"says that it {odd}";
        if (Seen.WhyNotBelieved is { } doubt) return doubt;
        return Seen.Verified is { Tensors: 0 } && report.Tensors > 0 ? $"says that none of {report.Tensors} tensors was verified" : null;
    }

    private string AboveCap(long bytes) => $"says that it held {ByteSize.Format(bytes)}, more than its cap of {ByteSize.Format(_case.Case.CapBytes)} lets live";

    private static bool IsOf(BudgetCase budget, LoadReport report) =>
        report.Strategy == budget.Strategy
        && report.Processes == budget.Processes
        && report.Engine == (budget.Engine ?? EngineNames.Native)
        && (!Device.TryParse(budget.Device!, out var device) || report.Device == device.ToString());
}

/// <summary>The logs of one collection that were read so far.</summary>
internal sealed class LogsRead
{
    /// <summary>Which files, by their identity.</summary>
    public HashSet<string> Files { get; } = [];

    /// <summary>How many lines of theirs were to be a worker's, and are none.</summary>
    public int Broken { get; set; }
}
