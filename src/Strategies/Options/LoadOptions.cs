using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;
using Loadline.DeviceMaps;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Strategies;

/// <summary>How to load. Every property has a default that suits a model that is only read.</summary>
public sealed record LoadOptions
{
    /// <summary>The smallest ring: two chunks of 1 MiB.</summary>
    public const long SmallestRingBytes = ReadSizes.LeastSlots * ReadSizes.SmallestSlotBytes;

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
    public long RingBytes { get; init; } = ReadSizes.RingBytes;

    /// <summary>
    /// The dtype of floating-point weights in memory; null keeps each tensor's own. Converting takes 2 MiB beside the strategy's peak, which is that of
    /// weights in this dtype; what is converted cannot stay mapped.
    /// </summary>
    public TargetDType? DType { get; init; }

    /// <summary>
    /// How many threads read at once, up to 1024; twice as many, but for one, where a disk writes straight into the CPU's memory. They share the ring: more readers do not
    /// mean more memory, but for what each touches of a stack, well under 256 KiB.
    /// </summary>
    public int Readers { get; init; } = ReadSizes.Readers;

    /// <summary>
    /// Whether weights are read through the page cache. By itself a load passes it by where the file is not in it, and the next load finds nothing there either:
    /// who loads the same file again and again, or in several processes, says <see cref="ReadMode.Cached"/>.
    /// </summary>
    public ReadMode Reads { get; init; }

    /// <summary>
    /// Ends the load with the next read, of some MiB at most, by an <see cref="OperationCanceledException"/>; everything is free again then. What is only mapped is
    /// not read, and is over at once.
    /// </summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>
    /// Is told how far the load is: first of no bytes, then at most every 8 MiB, from the threads that read, and last of all bytes. What is only mapped counts as
    /// in place at the end.
    /// </summary>
    public IProgress<LoadProgress>? Progress { get; init; }

    /// <summary>Several devices, a rule or limits for <c>device-map</c>; null lets it put everything on <see cref="Device"/>.</summary>
    public DeviceMapOptions? DeviceMap { get; init; }

    /// <summary>All devices that weights may go to.</summary>
    public DeviceList Devices => DeviceMap?.Devices ?? DeviceList.Of(Device);

    /// <summary>What the model expects of the checkpoint; null takes the model from the checkpoint itself.</summary>
    public ModelSpec? Model { get; init; }

    /// <summary>
    /// Which of the checkpoint's tensors are loaded, and by which names; all by their own unless it says otherwise. What is left out is neither read nor
    /// counted.
    /// </summary>
    public EntrySelection Names { get; init; } = EntrySelection.All;

    /// <summary>The checkpoint with the tensors that <see cref="Names"/> takes, by the names that it gives them. It shares the files of the one given.</summary>
    /// <exception cref="CheckpointException">A pattern fits nothing, nothing is left, or two tensors meet under one name.</exception>
    public Checkpoint Select(Checkpoint checkpoint) => checkpoint.Select(Names, Model?.Parameters.Select(p => p.Name).ToList());

    /// <summary>The tensors to load, by the model's names where there is a model, as the checkpoint stores them.</summary>
    /// <exception cref="CheckpointException">The checkpoint does not fit the model.</exception>
    internal IReadOnlyList<TensorEntry> EntriesIn(Checkpoint checkpoint)
    {
        checkpoint = Select(checkpoint);
        // A model says what it needs; one that is made of the checkpoint needs all of it.
        if (Model is not { AllowsOthers: true }) checkpoint.RequireLoadable();
        return Model?.Match(checkpoint, DType) ?? checkpoint.Entries;
    }

    /// <summary>How they will lie in memory.</summary>
    /// <exception cref="CheckpointException">The checkpoint does not fit the model, or has no conversion to the dtype.</exception>
    internal WeightLayout LayoutOf(Checkpoint checkpoint, DeviceMap? map = null)
    {
        checkpoint = Select(checkpoint);
        return WeightLayout.For(checkpoint, EntriesIn(checkpoint), DType, Device, map is null ? null : map.DeviceOf);
    }
}
