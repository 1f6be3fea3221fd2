using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>
/// Follows a program's output in bounded memory: a load writes 200 samples a second, and another program may write anything.
/// Lines come on the runtime's thread while the display reads on its own.
/// </summary>
/// <param name="isOthers">Whether the program is somebody else's, read from outside: what it prints in the form of the worker's events says nothing of it.</param>
/// <param name="capBytes">Its hard limit, above which no line of it is believed; null where it has none.</param>
/// <param name="tellsLastReading">Whether it is a test's body, which tells what it held last as a sample at 0 s: that can only raise what was read.</param>
internal sealed class CaseObserver(bool isOthers = false, long? capBytes = null, bool tellsLastReading = false)
{
    private const int KeptLines = 20;
    private const int KeptLineChars = 500;
    private const int KeptPhases = 32;
    private const int KeptPasses = 64;

    /// <summary>More than any machine has, and such that sums of a few do not overflow.</summary>
    private const long MostBytes = 1L << 60;

    // Three years, as a curve's points.
    private const double MostSeconds = 1e8;

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = new();
    private readonly List<PhasePeak> _phases = [];
    private readonly TimelineBuilder _timeline = new();
    private readonly TimelineBuilder _outside = new();
    private Observation _seen = new();
    private string? _lastSample;
    private long _highestSampleBytes;
    private readonly ToldOrder _order = new();
    private string? _whyImpossible;

    /// <summary>Takes a line in and returns the event it holds, or null where it is another program's.</summary>
    public WorkerEvent? Add(string line)
    {
        var e = isOthers && !tellsLastReading ? null : WorkerJson.TryRead(line);
        if (e is SampleEvent sample && !IsSound(sample)) e = null;
        // Of all that a test's body says only what it held.
        if (isOthers) e = tellsLastReading && e is SampleEvent { Seconds: 0 } last ? OfAnother(last) : null;
        if (e is not null && WhyImpossible(e) is { } why)
        {
            e = null;
            lock (_lock) _whyImpossible ??= why;
        }

        Add(line, e);
        return e;
    }

    /// <summary>Takes a line in whose event is known already; null where it holds none.</summary>
    public void Add(string line, WorkerEvent? e)
    {
        lock (_lock)
        {
            // Who holds the memory is shown better than as a line of JSON.
            if (e is not HoldersEvent) Keep(line, isSample: e is SampleEvent);
            if (e is not null) Add(e);
        }
    }

    /// <summary>Takes a line in that is shown where the case fails, and says nothing of it whatever its form.</summary>
    public void AddForeign(string line)
    {
        lock (_lock) Keep(line, isSample: false);
    }

    /// <summary>Takes an event in that was never a line.</summary>
    public void Add(WorkerEvent e)
    {
        lock (_lock)
        {
            if (e is SampleEvent sample) AddSample(sample);
            if (!isOthers) _order.Add(e);
            _seen = e switch
            {
                SampleEvent { Tensor: { } tensor } when !isOthers => _seen with { LastTensor = Cut(tensor) },
                StartEvent start => _seen with { Start = start },
                PhaseEvent phase => _seen with { LastPhase = Cut(phase.Phase), LastTensor = null },
                HoldersEvent held => _seen with { Holders = held.Holders },
                PassEvent pass when _seen.Passes.Count < KeptPasses => _seen with { Passes = [.. _seen.Passes, pass.Pass] },
                LoadReport report => _seen with { Report = report, Holders = report.Holders },
                VerifiedEvent verified => _seen with { Verified = verified },
                FailedEvent failed => _seen with { Failure = failed },
                _ => _seen,
            };
        }
    }

    /// <summary>Takes a reading from outside in: the timeline of a program that tells nothing of itself.</summary>
    public void AddOutside(MemorySample s)
    {
        lock (_lock) _outside.Add(new SampleEvent(s.TimestampSeconds, s.AnonBytes, s.FileBytes, s.ShmemBytes, s.CgroupBytes, s.HostBytes, s.DeviceBytes), "run");
    }

    /// <summary>What was seen up to now, with what the runtime saw from outside.</summary>
    public Observation Snapshot(ContainerOutcome? ended = null)
    {
        lock (_lock)
        {
            IEnumerable<string> lines = _lastSample is null ? _lines : _lines.Append(_lastSample);
            return _seen with
            {
                Phases = [.. _phases],
                HighestSampleBytes = _highestSampleBytes,
                WhyImpossible = isOthers ? null : _whyImpossible,
                WhyOutOfOrder = _order.WhyNot,
                Timeline = _timeline.Build() ?? _outside.Build(),
                OutsidePeakCgroupBytes = ended?.CgroupPeakBytes,
                OutsidePeakAnonymousBytes = ended?.AnonymousPeakBytes,
                OutsideBoundAnonymousBytes = ended?.AnonymousAtMostBytes,
                WhyUnread = ended?.WhyUnread,
                Memory = ended?.Memory,
                LastLines = [.. lines.Concat((ended?.ErrorLines ?? []).Select(Cut))],
            };
        }
    }

    /// <summary>Whether a machine can have had what a sample says.</summary>
    public static bool IsSound(SampleEvent sample) => sample is
    {
        Seconds: >= 0 and < MostSeconds, AnonBytes: >= 0 and < MostBytes, ShmemBytes: >= 0 and < MostBytes, FileBytes: >= 0 and < MostBytes,
        CgroupBytes: null or (>= 0 and < MostBytes), HostBytes: >= 0 and < MostBytes, DeviceBytes: >= 0 and < MostBytes,
    } && sample.AnonBytes + sample.ShmemBytes < MostBytes;

    // What is below zero, or what the cap lets nobody hold, nobody has measured: it would stand in the results, and these contradict themselves.
    private string? WhyImpossible(WorkerEvent e)
    {
        if (NegativeFigures.Any(e)) return NegativeFigures.Why;
        (string What, long? Bytes)[] held = e switch
        {
            SampleEvent sample => [("anonymous memory", sample.AnonBytes + sample.ShmemBytes)],
            LoadReport report => [("anonymous memory", report.PeakAnonymousBytes), ("memory", report.PeakCgroupBytes)],
            _ => [],
        };
        return capBytes is { } cap && Array.Find(held, size => CaseContradictions.IsAboveCap(size.Bytes, cap)) is { What: not null } above
            ? $"says that it held {ByteSize.Format(above.Bytes!.Value)} of {above.What}, more than its cap of {ByteSize.Format(cap)} lets live"
            : null;
    }

    // What it maps of others' files in memory is charged to them: its own is no more than its cap.
    private SampleEvent OfAnother(SampleEvent last)
    {
        var most = capBytes ?? long.MaxValue;
        var anonBytes = Math.Min(last.AnonBytes, most);
        return new SampleEvent(0, anonBytes, 0, Math.Min(last.ShmemBytes, most - anonBytes), CgroupBytes: null, 0, 0);
    }

    private static string Cut(string line) => PrintableText.Escape(line.Length <= KeptLineChars ? line : line[..KeptLineChars] + "…");

    private void AddSample(SampleEvent sample)
    {
        var phase = _seen.LastPhase ?? "start";
        // By itself: phases end at a number of them.
        _highestSampleBytes = Math.Max(_highestSampleBytes, sample.AnonBytes + sample.ShmemBytes);
        // What a program says of itself raises its peak, and does not take the place of what was seen from outside.
        if (!isOthers) _timeline.Add(sample, phase);
        var index = _phases.FindIndex(p => p.Phase == phase);
        if (index >= 0) _phases[index] = _phases[index].With(sample);
        else if (_phases.Count < KeptPhases) _phases.Add(new PhasePeak(phase, 0, 0, 0).With(sample));
    }

    private void Keep(string line, bool isSample)
    {
        if (_lastSample is not null && !isSample) Enqueue(_lastSample);
        // Cut at once: it may be the last, and is as long as its program likes.
        _lastSample = isSample ? Cut(line) : null;
        if (!isSample) Enqueue(Cut(line));
    }

    private void Enqueue(string line)
    {
        _lines.Enqueue(line);
        if (_lines.Count > KeptLines) _lines.Dequeue();
    }
}
