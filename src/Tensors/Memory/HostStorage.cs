using Loadline.Checkpoints;

namespace Loadline.Tensors.Memory;

/// <summary>Bytes of the host that have an address: allocated, or mapped from a file.</summary>
internal abstract unsafe class HostStorage(long bytes) : Storage(Device.Cpu, bytes), IReadableStorage
{
    /// <summary>
    /// SAFETY: valid for <see cref="Storage.Bytes"/> bytes until the last reference is released. Whoever keeps the pointer beyond a call
    /// keeps a reference too.
    /// </summary>
    public abstract byte* Pointer { get; }

    public override void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(Slice(offset, source.Length));

    public override void CopyFrom(Storage source)
    {
        var host = (HostStorage)source;
        if (host.Bytes != Bytes) throw new ArgumentException($"storages differ in length: {host.Bytes} bytes into {Bytes}", nameof(source));
        Buffer.MemoryCopy(host.Pointer, Pointer, Bytes, Bytes);
    }

    /// <inheritdoc cref="IReadableStorage.Read"/>
    public virtual void Read(long offset, Span<byte> destination) => Slice(offset, destination.Length).CopyTo(destination);

    /// <summary>A window of at most 2 GiB, bounds checked.</summary>
    public Span<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Bytes - offset);
        return new Span<byte>(Pointer + offset, length);
    }
}

/// <summary>A slice of a file's mapping: no memory of the engine's, and written pages stay private to this process.</summary>
internal sealed unsafe class MappedStorage : HostStorage
{
    private readonly long _offset;
    private int _freed;

    public MappedStorage(FileMapping mapping, long offset, long bytes)
        : base(bytes)
    {
        // SAFETY: the slice lies inside the mapping, and the reference on its handle keeps it mapped until this storage is freed.
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, mapping.Bytes - offset);
        var added = false;
        mapping.DangerousAddRef(ref added);
        (Mapping, _offset) = (mapping, offset);
    }

    ~MappedStorage() => Unreference();

    /// <summary>The file's mapping; whoever keeps a pointer into it beyond this storage keeps a reference on it.</summary>
    public FileMapping Mapping { get; }

    public override bool IsMapped => true;

    public override byte* Pointer => Mapping.Pointer + _offset;

    /// <exception cref="CheckpointException">The file became shorter.</exception>
    public override void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, Bytes - offset);
        SelfMemory.Read(Pointer + offset, destination, Mapping.File);
    }

    protected override void Free()
    {
        Unreference();
        GC.SuppressFinalize(this);
    }

    // None of one whose constructor threw, which is finalized all the same.
    private void Unreference()
    {
        if (Interlocked.Exchange(ref _freed, 1) == 0) Mapping?.DangerousRelease();
    }
}
