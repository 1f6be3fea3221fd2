using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runs;

/// <summary>From a case and what was seen of it to its line of the results.</summary>
internal static class CaseResults
{
    /// <summary>Puts a case and what was seen of it together.</summary>
    public static CaseResult Of(BudgetCase budget, Outcome outcome, Verdict verdict, Observation seen, int exitCode, double wallSeconds) => new()
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
        Pass = verdict.Pass,
        Message = verdict.Message,
        ExitCode = exitCode,
        LastPhase = seen.LastPhase,
        WallSeconds = Math.Round(wallSeconds, 3),

        Library = seen.Start?.Engine is { } engine && engine != EngineNames.Native ? engine : null,
        Format = seen.Report?.Format,
        Seconds = seen.Report?.Seconds,
        Tensors = seen.Report?.Tensors,
        WeightBytes = seen.Report?.WeightBytes,
        Cold = seen.Report?.Cold ?? seen.Start?.Cold ?? seen.Cold,
        HostBytes = seen.Report?.HostBytes ?? seen.PeakHostBytes,
        DeviceBytes = seen.Report?.DeviceBytes ?? seen.PeakDeviceBytes,
        DriverDeviceBytes = seen.Report?.DriverDeviceBytes,
        DriverBaselineBytes = seen.Report?.DriverBaselineBytes,
        MappedBytes = seen.Report?.MappedBytes,
        BaselineAnonymousBytes = seen.Report?.BaselineAnonymousBytes ?? seen.Start?.BaselineAnonymousBytes,
        PeakAnonymousBytes = seen.PeakAnonymousBytes,
        PeakAnonymousAtMostBytes = seen.PeakAnonymousAtMostBytes,
        WhyUnread = seen.PeakAnonymousBytes is null ? seen.WhyUnread : null,
        PeakPhase = seen.PeakPhase,
        PeakRssBytes = seen.Report?.PeakRssBytes,
        PeakCgroupBytes = seen.PeakCgroupBytes,
        MajorFaults = seen.Report?.MajorFaults,
        DeviceMap = seen.Report?.DeviceMap,
        Devices = seen.Report?.Devices,
        Choice = seen.Report?.Choice,
        Forward = seen.Report?.Forward,
        Phases = seen.Phases.Count == 0 ? null : seen.Phases,
        Holders = seen.Holders.Count == 0 ? null : seen.Holders,
        Timeline = seen.Timeline,
        LastLines = verdict.Pass ? null : seen.LastLines,
    };

    private static string? Size(long? bytes) => bytes is { } value ? ByteSize.FormatExact(value) : null;
}
