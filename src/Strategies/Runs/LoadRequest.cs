using Loadline.Strategies.Forward;
using Loadline.Strategies.Gauges;

namespace Loadline.Strategies.Runs;

/// <summary>One measured load.</summary>
/// <param name="Path">The checkpoint.</param>
/// <param name="Options">How to load it.</param>
/// <param name="VerifyDigests">Whether to read every tensor back and compare it, after the measurement.</param>
/// <param name="SampleInterval">Between samples; null for <see cref="Sampler.DefaultInterval"/>.</param>
public sealed record LoadRequest(string Path, LoadOptions Options, bool VerifyDigests = false, TimeSpan? SampleInterval = null)
{
    /// <summary>How to compute with the weights, as a part of what is measured; null does not.</summary>
    public ForwardOptions? Forward { get; init; }
}
