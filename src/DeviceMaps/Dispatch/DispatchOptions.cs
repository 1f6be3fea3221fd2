using Loadline.Tensors;

namespace Loadline.DeviceMaps.Dispatch;

/// <summary>How layers come to the CPU.</summary>
public sealed record DispatchOptions
{
    /// <summary>
    /// The most memory that copies of layers hold at once: the layer that is used, and the next one where it fits beside it. Null copies nothing: every
    /// layer is used where its weights lie.
    /// </summary>
    public long? ResidentBytes { get; init; }

    /// <summary>Which tensors, by name, are offloaded and come as a copy; by default those that are mapped from a file.</summary>
    public Func<string, Tensor, bool> Offloaded { get; init; } = (_, tensor) => tensor.IsMapped;

    /// <summary>How many threads copy a layer. Each touches well under 256 KiB of a stack.</summary>
    public int Readers { get; init; } = ReadSizes.Readers;
}
