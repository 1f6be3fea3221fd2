using Loadline.Checkpoints;
using Loadline.Tensors.Memory;
using Loadline.Tensors.Torch;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Tensors are libtorch's own: on the CPU in memory of its allocator or over a file's mapping, on the meta device without any. What is on a simulated
/// accelerator is no tensor of libtorch's, as it has no contents; its way there is.
/// </summary>
internal class TorchEngine : Engine
{
    private int _hasAllocated;

    /// <summary>Loads libtorch, the first time in a process.</summary>
    /// <exception cref="EngineUnavailableException">There is none that can be used.</exception>
    public TorchEngine() => Library = TorchLibrary.Load();

    /// <inheritdoc/>
    public override string Name => EngineNames.Libtorch;

    /// <inheritdoc/>
    public override string Description => Library.Place.ToString();

    protected internal TorchLibrary Library { get; }

    /// <exception cref="CheckpointException">This libtorch has no such dtype.</exception>
    internal override unsafe TensorHandle? View(TensorEntry layout, Storage storage)
    {
        if (storage is SimStorage) return null;
        var dtype = Library.CodeOf(layout.DType) ?? throw new CheckpointException(
            CheckpointError.Unsupported, layout.Storage.File, $"is {layout.DType}, which {Library.Name} does not have: use the engine {EngineNames.Native}", layout.Name);
        switch (storage)
        {
            case TorchStorage torch:
                return Library.View(torch.Bytes1D, torch.Bytes, dtype, layout);
            case MappedStorage mapped:
                // libtorch gets a bare address, and looks at nothing.
                var reach = Shapes.Reach(layout.Shape.AsSpan(), layout.Strides.AsSpan());
                if (reach > 0 && checked(layout.StorageOffset + reach) > mapped.Bytes / layout.DType.BytesPerElement)
                    throw new CheckpointException(CheckpointError.Truncated, layout.Storage.File, $"reaches behind the {mapped.Bytes} bytes that are mapped of it", layout.Name);
                return new TensorHandle(
                    Library, mapped.Mapping, () => Library.FromMemory(mapped.Pointer + layout.StorageOffset * layout.DType.BytesPerElement, dtype, layout));
            default:
                return Library.OnMeta(dtype, layout);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // What was held beside the weights (a state dict's copies, what a module held before) is free by now.
        if (_hasAllocated != 0) _ = Libc.malloc_trim(0);
        base.Dispose();
    }

    private protected override Storage AllocateOnHost(long bytes)
    {
        // libtorch's memory is malloc's. glibc keeps freed blocks of up to 32 MiB, in the heap of the thread that asked for them first, and another reader's
        // heap grows beside it: without this, a process that loads one model after the other grows by many of them. What the models before left is given
        // back; how the process allocates stays its own affair. It costs what mapping each block would: pages are faulted in again.
        if (Interlocked.Exchange(ref _hasAllocated, 1) == 0) _ = Libc.malloc_trim(0);
        return new TorchStorage(this, bytes);
    }
}
