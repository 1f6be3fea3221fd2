using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>Figures below zero in what a worker said: nobody has measured them.</summary>
internal static class NegativeFigures
{
    /// <summary>As the rest of a sentence.</summary>
    public const string Why = "has figures below zero";

    /// <summary>Whether there is one among all but what the weights computed, which may be anything.</summary>
    public static bool Any(WorkerEvent said) => Of(said).Any(figure => figure < 0);

    private static IEnumerable<double?> Of(WorkerEvent said) => said switch
    {
        StartEvent s => [s.BaselineAnonymousBytes, s.LimitBytes, s.Cores, s.RamBytes],
        LoadReport r =>
        [
            r.Seconds, r.Tensors, r.WeightBytes, r.HostBytes, r.DeviceBytes, r.DirectBytes, r.DriverDeviceBytes, r.DriverBaselineBytes, r.MappedBytes,
            r.BaselineAnonymousBytes, r.PeakAnonymousBytes, r.PeakRssBytes, r.PeakCgroupBytes, r.MajorFaults, r.Processes,
            .. (r.Passes ?? []).SelectMany(Of), .. (r.Devices ?? []).SelectMany(d => new double?[] { d.LimitBytes, d.PeakBytes }), .. r.Holders.SelectMany(Of),
        ],
        PassEvent p => Of(p.Pass),
        HoldersEvent h => h.Holders.SelectMany(Of),
        VerifiedEvent v => [v.Tensors, v.Bytes],
        _ => [],
    };

    private static IEnumerable<double?> Of(PassReport pass) => [pass.Seconds, pass.ReadBytes, pass.Reread, pass.MajorFaults, pass.Refaults, pass.PressureSeconds];

    private static IEnumerable<double?> Of(Holders held) => [held.Bytes, .. held.Uses.Select(use => (double?)use.Bytes), .. held.Largest.Select(tensor => (double?)tensor.Bytes)];
}
