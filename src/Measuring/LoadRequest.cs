using Loadline.Forward;
using Loadline.Gauges;
using Loadline.Strategies;

namespace Loadline.Measuring;

/// <summary>One measured load.</summary>
/// <param name="Path">The checkpoint.</param>
/// <param name="Options">How to load it.</param>
/// <param name="VerifyDigests">Whether to read every tensor back and compare it, after the measurement.</param>
/// <param name="SampleInterval">Between samples; null for <see cref="Sampler.DefaultInterval"/>.</param>
internal sealed record LoadRequest(string Path, LoadOptions Options, bool VerifyDigests = false, TimeSpan? SampleInterval = null)
{
    /// <summary>How to compute with the weights, as a part of what is measured; null does not.</summary>
    public ForwardOptions? Forward { get; init; }

    /// <summary>How often the weights are used after the load, as a part of what is measured.</summary>
    public int Passes { get; init; }

    /// <summary>How they are used.</summary>
    public WeightUse Use { get; init; }

    /// <summary>How a forward of either kind computes; null where there is none. Alone, it is only computed in passes, and nothing is judged.</summary>
    public ForwardOptions? Computation => Forward ?? (Passes > 0 && Use == WeightUse.Forward ? UseForward : null);

    /// <summary>How passes compute that no verification goes before.</summary>
    public ForwardOptions UseForward { get; init; } = new();

    /// <summary>
    /// How many processes load at the same time, this one among them. Several read all of their weights back, whether they are asked to or not, and the
    /// gauges are those of the whole cgroup.
    /// </summary>
    public int Processes { get; init; } = 1;

    /// <summary>
    /// The phase at whose begin the load stands still, <c>start</c> among them, until somebody ends the process: to look at it from outside there, or
    /// to see what is left of one that is killed there. Null for a load that goes through.
    /// </summary>
    public string? HoldAt { get; init; }

    /// <summary>Whether pages of the checkpoint stay in the page cache, as a warm read is measured; the report then never says that it was cold.</summary>
    public bool KeepsPageCache { get; init; }

    /// <summary>The arguments with which this program is started again, <see cref="Processes"/> - 1 times.</summary>
    public IReadOnlyList<string> CompanionArguments { get; init; } = [];

    /// <summary>
    /// Whether another process started this one beside itself. Then it leaves the page cache alone, and holds its weights until standard input ends.
    /// </summary>
    public bool IsCompanion { get; init; }
}
