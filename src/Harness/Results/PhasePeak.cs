using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>The highest readings of one phase, each for itself.</summary>
/// <param name="Phase">Its name; <c>start</c> before the first.</param>
/// <param name="PeakAnonymousBytes">Anonymous and shared memory.</param>
/// <param name="PeakHostBytes">The engine's count of host memory.</param>
/// <param name="PeakDeviceBytes">The engine's count of accelerator memory.</param>
internal sealed record PhasePeak(string Phase, long PeakAnonymousBytes, long PeakHostBytes, long PeakDeviceBytes)
{
    /// <summary>Takes a sample in.</summary>
    public PhasePeak With(SampleEvent sample) => new(
        Phase,
        Math.Max(PeakAnonymousBytes, sample.AnonBytes + sample.ShmemBytes),
        Math.Max(PeakHostBytes, sample.HostBytes),
        Math.Max(PeakDeviceBytes, sample.DeviceBytes));
}
