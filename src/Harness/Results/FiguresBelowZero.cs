using System.Globalization;
using Loadline.Gauges;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>Figures of a case that count something, and cannot be below zero. What the weights computed may be anything.</summary>
internal static class FiguresBelowZero
{
    /// <summary>"-5 bytes of weights", of the first; null where there is none.</summary>
    public static string? In(CaseResult result) =>
        All(result).FirstOrDefault(figure => figure.Value < 0) is { What: not null } below ? $"{below.Value!.Value.ToString(CultureInfo.InvariantCulture)} {below.What}" : null;

    // One after the other: of millions no list is made, nor a text for each.
    private static IEnumerable<(string What, double? Value)> All(CaseResult result) => Own(result)
        .Concat((result.Holders ?? []).SelectMany(Of).Select(bytes => ("bytes of one who held memory", (double?)bytes)))
        .Concat(Of(result.Memory).Select(figure => ("by the counters of its cgroup", figure)))
        .Concat(Columns(result.Timeline).Where(column => column.Count > 0).Select(column => ("bytes in its timeline", (double?)column.Min())))
        .Concat((result.Devices ?? []).Where(device => device.PeakBytes < 0).Select(device => ($"bytes on {NameList.Shortened(device.Device)}", (double?)device.PeakBytes)))
        .Concat((result.Phases ?? []).SelectMany(Of))
        .Concat((result.Passes ?? []).SelectMany(Of));

    private static IEnumerable<(string What, double? Value)> Own(CaseResult result) =>
    [
        ("bytes of memory in its cgroup", result.PeakCgroupBytes), ("bytes of resident memory", result.PeakRssBytes),
        ("bytes of anonymous memory before the load", result.BaselineAnonymousBytes), ("bytes of weights", result.WeightBytes),
        ("bytes of mapped weights", result.MappedBytes), ("bytes of a GPU by its driver", result.DriverDeviceBytes),
        ("bytes of a GPU before the load", result.DriverBaselineBytes), ("bytes that were planned", result.PlannedCapBytes), ("tensors", result.Tensors),
        ("major faults", result.MajorFaults), ("seconds of loading", result.Seconds),
        ("GPUs", result.Gpus), ("processes", result.Processes), ("runs", result.Noise?.Runs),
    ];

    private static IEnumerable<long> Of(Holders held) => held.Uses.Select(use => use.Bytes).Concat(held.Largest.Select(tensor => tensor.Bytes)).Append(held.Bytes);

    private static IEnumerable<(string What, double? Value)> Of(PhasePeak phase)
    {
        var least = Math.Min(phase.PeakAnonymousBytes, Math.Min(phase.PeakHostBytes, phase.PeakDeviceBytes));
        if (least < 0) yield return ($"bytes in phase {NameList.Shortened(phase.Phase)}", least);
    }

    private static IEnumerable<(string What, double? Value)> Of(PassReport pass)
    {
        yield return ("seconds of a pass", pass.Seconds);
        yield return ("bytes that a pass read", pass.ReadBytes);
        yield return ("of its weights that a pass read again", pass.Reread);
        yield return ("major faults of a pass", pass.MajorFaults);
        yield return ("refaults of a pass", pass.Refaults);
        yield return ("seconds of pressure in a pass", pass.PressureSeconds);
    }

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
