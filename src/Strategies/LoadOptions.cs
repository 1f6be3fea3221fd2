using Loadline.Checkpoints;
using Loadline.Strategies.Engines;

namespace Loadline.Strategies;

/// <summary>How to load. Every property has a default that suits a model that is only read.</summary>
public sealed record LoadOptions
{
    /// <summary>The smallest ring: two chunks of 1 MiB.</summary>
    public const long SmallestRingBytes = 2 * ByteSize.MiB;

    /// <summary>A name from <see cref="StrategyCatalog"/>. What it costs in memory is its <see cref="LoadingStrategy.Peak"/>.</summary>
    public string Strategy { get; init; } = "mmap-assign";

    /// <summary>Where the weights go.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>
    /// Who owns the memory of tensors, a name from <see cref="EngineNames"/>. <c>native</c> takes none of its own; <c>libtorch</c> loads PyTorch's
    /// library, which takes about 60 MiB before anything is loaded.
    /// </summary>
    public string Engine { get; init; } = EngineNames.Native;

    /// <summary>Host memory that <c>streamed</c> takes to reach an accelerator; the other strategies take none of it.</summary>
    public long RingBytes { get; init; } = 64 * ByteSize.MiB;

    /// <summary>How many threads read at once. They share the ring: more readers do not mean more memory, but for a stack of 256 KiB each.</summary>
    public int Readers { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>What the model expects of the checkpoint; null takes the model from the checkpoint itself.</summary>
    public ModelSpec? Model { get; init; }

    internal LoadOptions Validated()
    {
        _ = StrategyCatalog.Find(Strategy);
        if (!EngineNames.All.Contains(Engine)) throw new ArgumentException($"there is no engine '{Engine}': choose {string.Join(", ", EngineNames.All)}");
        if (Device.Kind == DeviceKind.Meta) throw new ArgumentException("meta is no device to load onto: its tensors have no memory");
        if (RingBytes < SmallestRingBytes) throw new ArgumentException($"a ring of {ByteSize.Format(RingBytes)} is too small: give it {ByteSize.Format(SmallestRingBytes)} or more");
        ArgumentOutOfRangeException.ThrowIfLessThan(Readers, 1);
        return this;
    }
}
