using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Drafting;

/// <summary>What a budget says after a measurement: the anonymous peak with headroom in whole MiB, the engine's counts to the byte.</summary>
/// <param name="result">A case that loaded.</param>
/// <param name="headroomBytes">Added to the peak that was measured.</param>
internal sealed class MeasuredBudget(CaseResult result, long headroomBytes)
{
    /// <summary>Headroom unless one is asked for: more than what the kernel's counters and a library's own memory vary by.</summary>
    public const long DefaultHeadroomBytes = 8 * ByteSize.MiB;

    /// <summary>For <c>peakAnonymous</c>; never above the cap.</summary>
    public long? PeakAnonymousBytes =>
        result.HeldBytes is { } peak ? Math.Min(result.CapBytes, (peak + Math.Min(headroomBytes, result.CapBytes) + ByteSize.MiB - 1) / ByteSize.MiB * ByteSize.MiB) : null;

    /// <summary>What the file should say of a member instead of what it says; null where that may stay.</summary>
    /// <param name="member">The member's name.</param>
    /// <param name="bytes">What it says now; null where the case has no such member.</param>
    public string? Correction(string member, long? bytes) => member switch
    {
        // Within a MiB of the target it stays, or a peak at the edge of a MiB would change the file at every measurement.
        "peakAnonymous" => PeakAnonymousBytes is { } target && !(Math.Abs(target - bytes ?? long.MaxValue) <= ByteSize.MiB) ? SizeText.InMib(target) : null,
        // An exact count is only worth a budget where somebody wrote one.
        "peakHost" when bytes is not null => Exact(result.HostBytes is { } host ? Math.Min(host, result.CapBytes) : null, bytes.Value),
        "peakDevice" when bytes is not null => Exact(result.DeviceBytes, bytes.Value),
        _ => null,
    };

    // Whole MiB are how `init` rounds up, and what a person would write.
    private static string? Exact(long? counted, long bytes) =>
        counted is { } target && target != bytes && !(bytes % ByteSize.MiB == 0 && bytes - target is > 0 and < ByteSize.MiB) ? SizeText.InMib(target) : null;
}
