using System.Globalization;
using Loadline.Gauges;

namespace Loadline.Harness.Results;

/// <summary>Figures of a case that count something, and cannot be below zero. What the weights computed may be anything.</summary>
internal static class FiguresBelowZero
{
    /// <summary>"-5 bytes of weights", of the first; null where there is none.</summary>
    public static string? In(CaseResult result) =>
        All(result).FirstOrDefault(figure => figure.Value < 0) is { What: not null } below ? $"{below.Value!.Value.ToString(CultureInfo.InvariantCulture)} {below.What}" : null;

    private static IEnumerable<(string What, double? Value)> All(CaseResult result) =>
    [
        ("bytes of memory in its cgroup", result.PeakCgroupBytes), ("bytes of resident memory", result.PeakRssBytes),
        ("bytes of anonymous memory before the load", result.BaselineAnonymousBytes), ("bytes of weights", result.WeightBytes),
        ("bytes of mapped weights", result.MappedBytes), ("bytes of a GPU by its driver", result.DriverDeviceBytes),
        ("bytes of a GPU before the load", result.DriverBaselineBytes), ("bytes that were planned", result.PlannedCapBytes), ("tensors", result.Tensors),
        ("major faults", result.MajorFaults), ("seconds of loading", result.Seconds),
        ("GPUs", result.Gpus), ("processes", result.Processes), ("runs", result.Noise?.Runs),
        .. (result.Holders ?? []).SelectMany(held => held.Uses.Select(use => use.Bytes).Concat(held.Largest.Select(tensor => tensor.Bytes)).Append(held.Bytes))
            .Select(bytes => ("bytes of one who held memory", (double?)bytes)),
        .. Of(result.Memory).Select(figure => ("by the counters of its cgroup", figure)),
        .. Columns(result.Timeline).SelectMany(column => column).Select(bytes => ("bytes in its timeline", (double?)bytes)),
        .. (result.Devices ?? []).Select(device => ($"bytes on {NameList.Shortened(device.Device)}", (double?)device.PeakBytes)),
        .. (result.Phases ?? []).SelectMany(phase => new[] { phase.PeakAnonymousBytes, phase.PeakHostBytes, phase.PeakDeviceBytes }
            .Select(bytes => ($"bytes in phase {NameList.Shortened(phase.Phase)}", (double?)bytes))),
        .. (result.Passes ?? []).SelectMany(pass => new (string, double?)[]
        {
            ("seconds of a pass", pass.Seconds), ("bytes that a pass read", pass.ReadBytes), ("of its weights that a pass read again", pass.Reread),
            ("major faults of a pass", pass.MajorFaults), ("refaults of a pass", pass.Refaults), ("seconds of pressure in a pass", pass.PressureSeconds),
        }),
    ];

    // What a class grew by may be less than nothing; so may page cache that was a difference of counters of two moments.
    private static IEnumerable<double?> Of(MemoryTrace? memory) => memory is null ? []
        : [
            memory.CgroupVersion, memory.SecondsBeforeEnd, memory.GrewSeconds, memory.ElsewhereBytes, memory.ReadBytes, memory.RefaultedBytes, memory.HighEvents,
            memory.StalledSeconds,
            .. new[] { memory.Peaks, memory.Last }.SelectMany(m => new double?[]
            {
                m.AnonymousBytes, m.ShmemBytes, m.ChargedBytes, m.MappedFileBytes, m.KernelBytes, m.DirtyBytes, m.LockedBytes,
            }),
            .. memory.Processes.SelectMany(process => new double?[] { process.AnonymousBytes, process.FileBytes, process.ShmemBytes }),
        ];

    private static IEnumerable<IReadOnlyList<long>> Columns(Timeline? timeline) => timeline is null ? []
        : new[] { timeline.AnonBytes, timeline.ShmemBytes, timeline.FileBytes, timeline.CgroupBytes, timeline.DeviceBytes }.OfType<IReadOnlyList<long>>();
}
