namespace Loadline.Harness.Runs;

/// <summary>Figures below zero in what a worker said: nobody has measured them.</summary>
internal static class NegativeFigures
{
    /// <summary>Whether there is one among all but what the weights computed, which may be anything.</summary>
    public static bool Any(Observation seen)
    {
        double?[] start = seen.Start is { } s ? [s.BaselineAnonymousBytes, s.LimitBytes, s.Cores, s.RamBytes] : [];
        double?[] report = seen.Report is not { } r
            ? []
            : [
                r.Seconds, r.Tensors, r.WeightBytes, r.HostBytes, r.DeviceBytes, r.DirectBytes, r.DriverDeviceBytes, r.DriverBaselineBytes, r.MappedBytes,
                r.BaselineAnonymousBytes, r.PeakAnonymousBytes, r.PeakRssBytes, r.PeakCgroupBytes, r.MajorFaults, r.Processes,
            ];
        var passes = seen.Passes.SelectMany(p => new double?[] { p.Seconds, p.ReadBytes, p.Reread, p.MajorFaults, p.Refaults, p.PressureSeconds });
        var devices = (seen.Report?.Devices ?? []).SelectMany(d => new double?[] { d.LimitBytes, d.PeakBytes });
        var holders = seen.Holders.SelectMany(h => h.Uses.Select(u => u.Bytes).Concat(h.Largest.Select(t => t.Bytes)).Append(h.Bytes)).Select(bytes => (double?)bytes);
        double?[] verified = seen.Verified is { } v ? [v.Tensors, v.Bytes] : [];
        return start.Concat(report).Concat(passes).Concat(devices).Concat(holders).Concat(verified).Any(figure => figure < 0);
    }
}
