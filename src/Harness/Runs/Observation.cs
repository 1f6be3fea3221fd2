using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>What a program's output showed, at one moment.</summary>
internal sealed record Observation
{
    /// <summary>The worker's first line.</summary>
    public StartEvent? Start { get; init; }

    /// <summary>Whether the harness found no page of the checkpoint in the page cache; null where the worker says so itself.</summary>
    public bool? Cold { get; init; }

    /// <summary>The phase that began last.</summary>
    public string? LastPhase { get; init; }

    /// <summary>The tensor that was touched last in that phase; null where none was, or nobody said.</summary>
    public string? LastTensor { get; init; }

    /// <summary>The highest sample of each phase, in order.</summary>
    public IReadOnlyList<PhasePeak> Phases { get; init; } = [];

    /// <summary>The samples in bounded memory; null where there were none.</summary>
    public Timeline? Timeline { get; init; }

    /// <summary>Who held the memory: at the engine's peaks, or, of a load that was killed, when it was told last.</summary>
    public IReadOnlyList<Holders> Holders { get; init; } = [];

    /// <summary>Uses of the weights that ended.</summary>
    public IReadOnlyList<PassReport> Passes { get; init; } = [];

    /// <summary>The worker's report, where the load ended.</summary>
    public LoadReport? Report { get; init; }

    /// <summary>Whether the weights were read back and were right.</summary>
    public VerifiedEvent? Verified { get; init; }

    /// <summary>Why the load failed, in the worker's words.</summary>
    public FailedEvent? Failure { get; init; }

    /// <summary>The last lines of standard output, then those of standard error. Of samples in a row only the last.</summary>
    public IReadOnlyList<string> LastLines { get; init; } = [];

    /// <summary>The cgroup's peak: the report's, else what the runtime saw from outside.</summary>
    public long? PeakCgroupBytes => Report?.PeakCgroupBytes ?? OutsidePeakCgroupBytes;

    /// <summary>The cgroup's peak as the runtime saw it.</summary>
    public long? OutsidePeakCgroupBytes { get; init; }

    /// <summary>The highest anonymous and shared memory that the runtime read from outside, of a program that does not report its own.</summary>
    public long? OutsidePeakAnonymousBytes { get; init; }

    /// <summary>What that memory cannot have exceeded, by what the kernel keeps; null for a program that reports its own.</summary>
    public long? OutsideBoundAnonymousBytes { get; init; }

    /// <summary>The memory of its cgroup by class, as the runtime saw it from outside; null where it could not.</summary>
    public MemoryTrace? Memory { get; init; }

    /// <summary>Why the runtime could not read it.</summary>
    public string? WhyUnread { get; init; }

    /// <summary>The highest anonymous and shared memory: the report's, else the higher of the samples' and the runtime's.</summary>
    public long? PeakAnonymousBytes => Report?.PeakAnonymousBytes ?? Higher(Highest?.PeakAnonymousBytes, OutsidePeakAnonymousBytes);

    /// <summary>The highest anonymous and shared memory that a line of the program's showed; 0 where none did.</summary>
    public long HighestSampleBytes { get; init; }

    /// <summary>
    /// What it said first that its cap allows nobody, or nobody has measured, as the rest of a sentence, and that counts for nothing; null where it said no such thing.
    /// </summary>
    public string? WhyImpossible { get; init; }

    /// <summary>What no worker says beside what it said else, as the rest of a sentence; null where all of it may be one worker's.</summary>
    public string? WhyOutOfOrder { get; init; }

    /// <summary>
    /// Why the report is not believed, as the rest of a sentence; null where there is none, or it can be. It is made of the same readings as the samples before
    /// it: whoever writes one that is lower has not measured.
    /// </summary>
    public string? WhyNotBelieved => Report is null ? null
        : HighestSampleBytes > Report.PeakAnonymousBytes
            ? $"reports a peak of {ByteSize.Format(Report.PeakAnonymousBytes)} of anonymous memory, and a sample of its own shows {ByteSize.Format(HighestSampleBytes)}"
        : PeakHostBytes > Report.HostBytes || PeakDeviceBytes > Report.DeviceBytes ? "reports a lower count of the engine's than a sample of its own shows"
        : null;

    /// <summary>The same without a report that is not believed, or one among words out of order: what stands in results is read again, as what was measured.</summary>
    public Observation Believed => WhyNotBelieved is null && WhyOutOfOrder is null ? this : this with { Report = null, Verified = null, Holders = [], Passes = [] };

    /// <summary>The same without any figure of its own, and without samples: the peaks that the runtime read from outside are left.</summary>
    public Observation Bare => this with { Start = null, Report = null, Verified = null, Holders = [], Passes = [], Phases = [], Timeline = null };

    /// <summary>The same without what the runtime read from outside.</summary>
    public Observation Unwatched => this with
    {
        Memory = null,
        OutsidePeakCgroupBytes = null,
        OutsidePeakAnonymousBytes = null,
        OutsideBoundAnonymousBytes = null,
        WhyUnread = "what was read of its cgroup contradicts itself",
    };

    /// <summary>The same of a case that came to something else than its program said, cut as what a worker says is.</summary>
    /// <param name="outcome">What it came to.</param>
    /// <param name="problem">Why.</param>
    public Observation Failed(Outcome outcome, string problem) =>
        this with { Failure = new FailedEvent(outcome.Name(), KeptText.Of(problem, WorkerJson.MostCharacters)) };

    /// <summary>What a peak between readings cannot have exceeded; null for a program that reports its own.</summary>
    public long? PeakAnonymousAtMostBytes => Report is null && OutsideBoundAnonymousBytes is { } bound ? Math.Max(bound, PeakAnonymousBytes ?? 0) : null;

    /// <summary>The phase it was seen in.</summary>
    public string? PeakPhase => Report?.PeakPhase ?? Highest?.Phase;

    /// <summary>The engine's highest count of host memory that a sample showed.</summary>
    public long? PeakHostBytes => Phases.Count == 0 ? null : Phases.Max(p => p.PeakHostBytes);

    /// <summary>The engine's highest count of accelerator memory that a sample showed.</summary>
    public long? PeakDeviceBytes => Phases.Count == 0 ? null : Phases.Max(p => p.PeakDeviceBytes);

    private static long? Higher(long? one, long? other) => one is { } a && other is { } b ? Math.Max(a, b) : one ?? other;

    private PhasePeak? Highest => Phases.MaxBy(p => p.PeakAnonymousBytes);
}
