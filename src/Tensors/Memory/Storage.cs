namespace Loadline.Tensors.Memory;

/// <summary>
/// Bytes on a device that one or more tensors view. Counts its references, as PyTorch's storages do, and is freed with the last one.
/// </summary>
internal abstract class Storage(Device device, long bytes)
{
    private int _references = 1;

    public Device Device { get; } = device;

    public long Bytes { get; } = bytes;

    /// <summary>Whether the bytes are a file's pages rather than memory of the engine's.</summary>
    public virtual bool IsMapped => false;

    /// <summary>Whether something was put into every byte, as far as that is known.</summary>
    public virtual bool IsFilled => true;

    /// <summary>What it is held for: model, state dict, layer, ring, or a buffer on the way between them.</summary>
    public string Use { get; private set; } = "buffer";

    /// <summary>The first tensor that was bound to it; null for memory that no tensor views.</summary>
    public string? TensorName { get; private set; }

    /// <summary>Puts bytes from the host at an offset. Pieces may come in any order and from several threads, but may not overlap.</summary>
    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Takes over all bytes of a storage of the same length on the same device.</summary>
    public abstract void CopyFrom(Storage source);

    /// <summary>Another owner: it must call <see cref="Release"/> once. What is freed stays freed, whoever still knows it.</summary>
    /// <exception cref="ObjectDisposedException">The last owner released it, maybe on another thread.</exception>
    public Storage Share()
    {
        for (var seen = Volatile.Read(ref _references); seen > 0;)
        {
            var before = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (before == seen) return this;
            seen = before;
        }

        throw new ObjectDisposedException(nameof(Tensor), "the tensor's memory was given back: another thread disposed it, or the model that it belongs to");
    }

    /// <summary>Says what it is held for from now on, for whoever asks where the memory went.</summary>
    public void UsedFor(string use, string? tensorName = null)
    {
        Use = use;
        TensorName ??= tensorName;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0) Free();
    }

    protected abstract void Free();
}

/// <summary>Shape without memory: reading or writing it is a bug in a strategy.</summary>
internal sealed class MetaStorage(long bytes) : Storage(Device.Meta, bytes)
{
    public override void Write(long offset, ReadOnlySpan<byte> source) => throw NoMemory();

    public override void CopyFrom(Storage source) => throw NoMemory();

    protected override void Free()
    {
    }

    // PyTorch's copy_ into a meta tensor succeeds and loads nothing; silence is what this project is against.
    private static InvalidOperationException NoMemory() => new("a tensor on the meta device has no memory to copy into: call ToEmpty first, or assign");
}
