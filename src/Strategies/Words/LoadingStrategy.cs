using Loadline.Reading;
using Loadline.Tensors;

namespace Loadline.Strategies;

/// <summary>A way to get a checkpoint's weights into a model on a device. Each is one file that reads like the tutorial it stands for.</summary>
public abstract class LoadingStrategy
{
    /// <summary>The name on the command line, in budgets and in results.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, in a line.</summary>
    public abstract string Summary { get; }

    /// <summary>
    /// The memory it holds at its peak, to the byte, as the engine counts it, beside the <see cref="LoadSizes.ConversionBytes"/> that all take alike.
    /// </summary>
    /// <param name="size">The sizes that the peak depends on.</param>
    /// <param name="device">The target.</param>
    public abstract PeakMemory Peak(LoadSizes size, Device device);

    /// <summary>
    /// How often the bytes of all weights go through memory until they are in place: initialised, read, copied, moved. The planner's order of speed,
    /// because beside the disk's it is the time that a load takes.
    /// </summary>
    public abstract int Passes(Device device);

    /// <summary>Whether it maps the checkpoint, which a compressed one does not allow.</summary>
    public virtual bool NeedsMapping => false;

    /// <summary>Whether it places weights by a device map.</summary>
    internal virtual bool NeedsMap => false;

    /// <summary>What a worker takes for each tensor beside its weights: its name, where it lies, and what the strategy keeps of it.</summary>
    internal virtual int BytesPerTensor => 2560;

    /// <summary>Loads. The context frees everything it handed out when this throws.</summary>
    internal abstract Model Load(LoadContext load);
}

/// <summary>What a strategy's peak is computed from: bytes of storages as they are in memory, each counted once however many tensors share it.</summary>
/// <param name="WeightBytes">S: all weights.</param>
/// <param name="LargestBytes">T: the largest of them.</param>
/// <param name="RingBytes">R: the ring through which <c>streamed</c> reaches an accelerator.</param>
/// <param name="IsMappable">Whether all of them lie in their files as they are in memory; a compressed one does not.</param>
public readonly record struct LoadSizes(long WeightBytes, long LargestBytes, long RingBytes, bool IsMappable = true)
{
    /// <summary>What a map puts where; null where everything goes to one device.</summary>
    public PeakMemory? Mapped { get; init; }

    /// <summary>The largest shard of a sharded checkpoint, which is what a state dict holds at a time; without shards, all weights.</summary>
    public long LargestShardBytes { get; init; } = WeightBytes;

    /// <summary>What of <see cref="WeightBytes"/> is not in the file as it is in memory, and so cannot stay mapped on the host: it gets another dtype, or lies in parts.</summary>
    public long UnmappedBytes { get; init; }

    /// <summary>Host memory in which dtypes are converted, whatever the strategy; 0 where none is.</summary>
    public long ConversionBytes { get; init; }

    /// <summary>How many tensors there are. Of those of most models the descriptions are part of a worker's own memory; a hundred thousand take 150 MiB and more.</summary>
    public int Tensors { get; init; }

    /// <summary>The sizes of a layout.</summary>
    internal static LoadSizes Of(WeightLayout layout, long ringBytes)
    {
        var (all, largest, largestShard, unmapped) = (0L, 0L, 0L, 0L);
        foreach (var shard in layout.Shards)
        {
            var before = all;
            foreach (var storage in shard)
            {
                all += storage.Bytes;
                largest = Math.Max(largest, storage.Bytes);
                if (!storage.IsAsInFile) unmapped += storage.Bytes;
            }

            largestShard = Math.Max(largestShard, all - before);
        }

        return new(all, largest, ringBytes)
        {
            IsMappable = layout.Storages.All(WeightSource.IsReachable),
            LargestShardBytes = largestShard,
            UnmappedBytes = unmapped,
            ConversionBytes = layout.HasConversions ? ReadSizes.ConversionBytes : 0,
            Tensors = layout.Storages.Sum(s => s.Tensors.Length),
        };
    }
}

/// <summary>Memory held at the peak. Mapped pages of files are in neither: they can be reclaimed.</summary>
/// <param name="HostBytes">On the host.</param>
/// <param name="DeviceBytes">On the accelerator; 0 where the target is the host.</param>
public readonly record struct PeakMemory(long HostBytes, long DeviceBytes = 0);
