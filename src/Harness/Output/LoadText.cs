using Loadline.Forward;
using Loadline.Measuring;

namespace Loadline.Harness.Output;

/// <summary>The report of one load, for people.</summary>
internal static class LoadText
{
    /// <summary>Several lines, without a break at the end.</summary>
    /// <param name="report">What was measured.</param>
    /// <param name="verified">What was compared; null where nothing was.</param>
    /// <param name="isAlone">Whether the load had a cgroup of its own, as it has under a cap.</param>
    public static string Of(LoadReport report, VerifiedEvent? verified, bool isAlone)
    {
        (string What, string Value)[] rows =
        [
            ("weights", $"{ByteSize.Format(report.WeightBytes)} in {report.Tensors} tensor{(report.Tensors == 1 ? "" : "s")}{(report.DType is null ? "" : $" as {report.DType}")}, {ByteSize.Format(report.MappedBytes)} of them mapped"),
            ("engine's count", $"{ByteSize.Format(report.HostBytes)} on the host, {ByteSize.Format(report.DeviceBytes)} on the device"),
            .. report.DriverDeviceBytes is { } taken
                ? [("driver's figure", $"{ByteSize.Format(taken)} on the device, beside {ByteSize.Format(report.DriverBaselineBytes ?? 0)} before the load")]
                : Array.Empty<(string, string)>(),
            .. report.Devices?.Select(d => ($"on {d.Device}", $"{ByteSize.Format(d.PeakBytes)}{(d.LimitBytes is { } limit ? $" at its peak, of {ByteSize.Format(limit)}" : " mapped")}")) ?? [],
            .. report.Holders.Select(h => ($"held on the {h.Memory}", $"{HoldersText.Uses(h)} at the engine's peak")),
            ("peak anonymous", $"{ByteSize.Format(report.PeakAnonymousBytes)}, in phase {report.PeakPhase} ({ByteSize.Format(report.BaselineAnonymousBytes)} before the load)"),
            ("peak RSS", $"{ByteSize.Format(report.PeakRssBytes)}, mapped pages included"),
            ("peak of the cgroup", report.PeakCgroupBytes is { } bytes ? $"{ByteSize.Format(bytes)}, page cache{(isAlone ? "" : " and all else that runs in it")} included" : "no cgroup here counts memory"),
            .. report.Forward is { } forward ? [("forward", Forward(forward))] : Array.Empty<(string, string)>(),
            .. report.Passes?.Select((pass, i) => ($"use {i + 1}", PassText.Of(pass, i)[(PassText.Of(pass, i).IndexOf(':') + 2)..])) ?? [],
            ("verified", verified is null ? "no" : $"{verified.Tensors} tensors, {ByteSize.Format(verified.Bytes)}, against {verified.Against}"),
        ];
        var head = FormattableString.Invariant(
            $"{report.Strategy}{(report.Choice is null ? "" : $" chose {report.Choice} and")} loaded {report.Format} on {report.Device} in {report.Seconds:0.00} s, {(report.Cold ? "cold" : "warm")}{(report.DirectBytes > report.WeightBytes / 2 ? ", past the page cache" : "")}, engine {report.Engine}");
        return string.Join("\n", rows.Select(r => $"  {r.What,-20}{r.Value}").Prepend(head));
    }

    private static string Forward(ForwardResult forward) =>
        $"{string.Join(", ", forward.Input.Select(input => $"[{string.Join(", ", input)}]"))} → {string.Join(", ", forward.Top.Select(top => FormattableString.Invariant($"{top.Index} ({top.Logit:0.0000})")))}";
}
