using System.Text.Json.Serialization;
using Loadline.Forward;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>
/// One case with what became of it, flat as the file has it: the case's own members first, then the outcome, then what the worker reported.
/// Peaks of a load that did not end are the highest that its samples showed.
/// </summary>
internal sealed record CaseResult
{
#pragma warning disable CS1591 // The case's own members, documented at BudgetCase.
    public required string Name { get; init; }
    public required string Checkpoint { get; init; }
    public string? Strategy { get; init; }
    public string? Device { get; init; }
    public required string Cap { get; init; }
    public string? Expect { get; init; }
    public required string Why { get; init; }
    public string? PeakAnonymous { get; init; }
    public string? PeakHost { get; init; }
    public string? PeakDevice { get; init; }
    public string? Engine { get; init; }
    public string? Image { get; init; }
    public int? Gpus { get; init; }
    [JsonPropertyName("dtype")]
    public string? DType { get; init; }
    public string? Verify { get; init; }

    /// <summary>What each use of the weights came to; of a load that was killed in one, those before it. Null where there were none.</summary>
    public IReadOnlyList<PassReport>? Passes { get; init; }
    public string? Use { get; init; }

    /// <summary>The case's own: what a pass after the first may read again at most. What it did read stands in <see cref="Passes"/>.</summary>
    public double? Reread { get; init; }
    public int? Heads { get; init; }
    public string? Resident { get; init; }
    public string? Ring { get; init; }
    public int? Processes { get; init; }
    public string? Map { get; init; }
    public string? MaxMemory { get; init; }
    public string? NoSplit { get; init; }
    public string? Timeout { get; init; }
    public IReadOnlyList<string>? Command { get; init; }
#pragma warning restore CS1591

    /// <summary>The hard limit of RAM.</summary>
    public required long CapBytes { get; init; }

    /// <summary>What became of it.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>Whether that is what was expected, within all budgets.</summary>
    public required bool Pass { get; init; }

    /// <summary>Why it did not pass, as a sentence; a line for each budget that was missed.</summary>
    [JsonConverter(typeof(PrintableLines))]
    public string? Message { get; init; }

    /// <summary>Why it did not load, in the words of whoever refused or failed; also where that was expected, or nothing was.</summary>
    public string? Reason { get; init; }

    /// <summary>The lowest cap that the load is safe under by the plan; null for what nobody can plan.</summary>
    public long? PlannedCapBytes { get; init; }

    /// <summary>The program's exit code; null where it had none.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The phase that the load was in when it ended.</summary>
    public string? LastPhase { get; init; }

    /// <summary>Of a load that did not end well, the tensor that it touched last in that phase.</summary>
    public string? LastTensor { get; init; }

    /// <summary>From the container's start to its end; <see cref="Seconds"/> is the load alone.</summary>
    public double WallSeconds { get; init; }

#pragma warning disable CS1591 // Fields of LoadReport, documented there.
    public string? Format { get; init; }
    public double? Seconds { get; init; }
    public int? Tensors { get; init; }
    public long? WeightBytes { get; init; }
    public bool? Cold { get; init; }
    public long? HostBytes { get; init; }
    public long? DeviceBytes { get; init; }
    public long? DriverDeviceBytes { get; init; }
    public long? DriverBaselineBytes { get; init; }
    public long? MappedBytes { get; init; }
    public long? BaselineAnonymousBytes { get; init; }
    public long? PeakAnonymousBytes { get; init; }
    public string? PeakPhase { get; init; }
    public long? PeakRssBytes { get; init; }
    public long? PeakCgroupBytes { get; init; }
    public long? MajorFaults { get; init; }
    public IReadOnlyDictionary<string, string>? DeviceMap { get; init; }
    public IReadOnlyList<DevicePeak>? Devices { get; init; }
    public string? Choice { get; init; }
    public ForwardResult? Forward { get; init; }
#pragma warning restore CS1591

    /// <summary>The GPUs that were loaded onto, or the library of an engine that has one, as in <c>libtorch 2.6.0 (/usr/lib/x86_64-linux-gnu/libtorch_cpu.so.2.6.0)</c>.</summary>
    public string? Library { get; init; }

    /// <summary>
    /// What the anonymous memory of a program that does not report its own cannot have exceeded, however short a peak was: budgets are held against it.
    /// Null where <see cref="PeakAnonymousBytes"/> is the program's own word.
    /// </summary>
    public long? PeakAnonymousAtMostBytes { get; init; }

    /// <summary>What budgets are held against: <see cref="PeakAnonymousAtMostBytes"/> where there is one.</summary>
    [JsonIgnore]
    public long? HeldBytes => PeakAnonymousAtMostBytes ?? PeakAnonymousBytes;

    /// <summary>
    /// The memory of its cgroup by class, read from outside: each at its peak, and all when a kill met them. Null where the cgroup could not be read.
    /// </summary>
    public MemoryTrace? Memory { get; init; }

    /// <summary>Of a case that was killed, the class of memory that met the cap; a name of <see cref="MemoryClassNames"/>.</summary>
    public string? MetBy { get; init; }

    /// <summary>What it read from the disk, from its start to its end; null where nobody could tell.</summary>
    [JsonIgnore]
    public long? ReadBytes => Memory?.ReadBytes;

    /// <summary>Why there is no <see cref="PeakAnonymousBytes"/>, for a program that is not the worker.</summary>
    public string? WhyUnread { get; init; }

    /// <summary>The highest sample of each phase, in order.</summary>
    public IReadOnlyList<PhasePeak>? Phases { get; init; }

    /// <summary>Who held the memory: at the engine's peaks, or, of a load that was killed, when it was told last.</summary>
    public IReadOnlyList<Holders>? Holders { get; init; }

    /// <summary>The samples.</summary>
    public Timeline? Timeline { get; init; }

    /// <summary>How far its runs lay apart, where it ran more than once; all else is of the run that was worst.</summary>
    public Noise? Noise { get; init; }

    /// <summary>The last lines of the program's output, where the case did not pass.</summary>
    public IReadOnlyList<string>? LastLines { get; init; }

    /// <summary>The most that a pass after the first read again; null where there was none, or the kernel does not count.</summary>
    [JsonIgnore]
    public double? LaterReread => Rereads.OfLater(Passes);

    /// <summary>What ran, as sentences begin: "eager of gpt2-medium on cpu".</summary>
    [JsonIgnore]
    public string Subject => BudgetCase.SubjectOf(Name, Strategy, Checkpoint, Device);

    /// <summary>The case's budget for anonymous memory.</summary>
    [JsonIgnore]
    public long? BudgetBytes => ByteSize.TryParse(PeakAnonymous, out var bytes) ? bytes : null;

    /// <summary>The case's own members, with what became of it.</summary>
    public static CaseResult Of(BudgetCase budget, Outcome outcome, bool pass) => new()
    {
        Name = budget.Name,
        Checkpoint = budget.Checkpoint,
        Strategy = budget.Strategy,
        Device = budget.Device,
        Cap = ByteSize.FormatExact(budget.CapBytes),
        Expect = budget.Expect?.Name(),
        Why = budget.Why,
        PeakAnonymous = Size(budget.PeakAnonymousBytes),
        PeakHost = Size(budget.PeakHostBytes),
        PeakDevice = Size(budget.PeakDeviceBytes),
        Engine = budget.Engine,
        Image = budget.Image,
        Gpus = budget.GpuCount == 0 ? null : budget.GpuCount,
        DType = budget.DType,
        Verify = budget.Verify,
        Use = budget.Use,
        Reread = budget.Reread,
        Heads = budget.Heads,
        Resident = Size(budget.ResidentBytes),
        Ring = Size(budget.RingBytes),
        Processes = budget.Processes == 1 ? null : budget.Processes,
        Map = budget.Map,
        MaxMemory = budget.MaxMemory,
        NoSplit = budget.NoSplit,
        Timeout = budget.Timeout == BudgetCase.DefaultTimeout ? null : $"{budget.Timeout.TotalSeconds}s",
        Command = budget.Command.IsEmpty ? null : budget.Command,
        CapBytes = budget.CapBytes,
        Outcome = outcome,
        Pass = pass,
    };

    /// <summary>The same with what a load that ended reported.</summary>
    public CaseResult With(LoadReport? report) => report is null ? this : this with
    {
        Format = report.Format,
        Seconds = report.Seconds,
        Tensors = report.Tensors,
        WeightBytes = report.WeightBytes,
        DriverDeviceBytes = report.DriverDeviceBytes,
        DriverBaselineBytes = report.DriverBaselineBytes,
        MappedBytes = report.MappedBytes,
        PeakRssBytes = report.PeakRssBytes,
        MajorFaults = report.MajorFaults,
        DeviceMap = report.DeviceMap,
        Devices = report.Devices,
        Choice = report.Choice,
        Forward = report.Forward,
    };

    private static string? Size(long? bytes) => bytes is { } value ? ByteSize.FormatExact(value) : null;
}
