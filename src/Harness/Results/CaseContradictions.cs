using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>What no run writes about one case: whoever reads the file would believe one half of it.</summary>
internal static class CaseContradictions
{
    /// <summary>The first of them, as what stands behind "the case"; null where there is none.</summary>
    public static string? Of(CaseResult result) =>
        result.CapBytes <= 0 ? $"has a cap of {result.CapBytes} bytes"
        : Sizes(result).FirstOrDefault(size => size.Bytes < 0) is { What: not null } below ? $"held {below.Bytes} bytes of {below.What}"
        : OfNoise(result) ?? (result.Pass ? OfPass(result) : null);

    private static (string What, long? Bytes, string? Budget)[] Sizes(CaseResult result) =>
    [
        ("anonymous memory", result.PeakAnonymousBytes, null),
        ("anonymous memory", result.HeldBytes, result.PeakAnonymous),
        ("host memory", result.HostBytes, result.PeakHost),
        ("device memory", result.DeviceBytes, result.PeakDevice),
    ];

    // One that is wide would excuse any growth.
    private static string? OfNoise(CaseResult result)
    {
        if (result.Noise is not { MinPeakAnonymousBytes: var least, MaxPeakAnonymousBytes: var most }) return null;
        return least < 0 || most < least || most - CgroupMemory.CountErrorBytes > result.CapBytes ? $"ran between {least} and {most} bytes under a cap of {result.CapBytes}" : null;
    }

    private static string? OfPass(CaseResult result)
    {
        if (result.Expect is not { } expected) return result.Outcome is Outcome.Error or Outcome.VerificationFailed ? $"passes, and is {result.Outcome.Name()}" : null;
        if (expected != result.Outcome.Name()) return $"passes, and is {result.Outcome.Name()} where {expected} is expected";
        return Sizes(result).FirstOrDefault(size => ByteSize.TryParse(size.Budget, out var limit) && size.Bytes > limit) is { What: not null } over
            ? $"passes, and held {ByteSize.Format(over.Bytes!.Value)} of {over.What} where {over.Budget} is allowed"
            : null;
    }
}
