using Loadline.Cuda;
using Loadline.Tensors.Memory;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Memory of a GPU. What is counted is what was asked for, to the byte; what the driver makes of it is its own figure. It keeps the GPU open, and a
/// finalizer returns what nobody disposed.
/// </summary>
internal sealed unsafe class CudaStorage : Storage, IReadableStorage
{
    private readonly Engine _engine;
    private readonly CudaDevice _gpu;
    private readonly Lock _taking = new();
    private readonly CudaBlock? _block;
    private readonly long _offset;
    private ulong _address;
    private bool _isInBlock;
    private long _filledBytes;
    private int _owned;

    /// <param name="engine">Who counts it.</param>
    /// <param name="device">The GPU.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="block">Where it gets its place; the driver is asked when somebody first wants an address, and it is counted now. Null: memory of its own, now.</param>
    public CudaStorage(Engine engine, Device device, long bytes, CudaBlock? block)
        : base(device, bytes)
    {
        (_engine, _gpu) = (engine, engine.Gpu(device));
        // Empty tensors are tensors, too, but the driver has no empty memory.
        if (bytes > 0) (_block, _offset) = (block, block?.Reserve(bytes) ?? 0);
        if (block is null) Take();
        _gpu.Share();
        engine.CounterOf(device).Add(bytes);
        engine.Accelerator.Add(bytes);
        // Not before: the finalizer runs for a constructor that threw, too.
        _owned = 1;
    }

    ~CudaStorage() => ReturnMemory();

    public override bool IsFilled => Interlocked.Read(ref _filledBytes) == Bytes;

    /// <summary>The GPU that it is on.</summary>
    public CudaDevice Gpu => _gpu;

    private ulong Address
    {
        get
        {
            if (Volatile.Read(ref _address) == 0) Take();
            return _address;
        }
    }

    /// <summary>
    /// Where a range begins on the GPU. SAFETY: inside of this storage by the check, and valid until its last reference is released; whoever has a copy
    /// under way keeps one.
    /// </summary>
    public ulong AddressOf(long offset, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Bytes - offset);
        return Address + (ulong)offset;
    }

    /// <summary>Asks for its memory now, rather than when the first bytes come.</summary>
    public void TakeNow()
    {
        if (Volatile.Read(ref _address) == 0) Take();
    }

    /// <summary>Says that a copy into this storage was started or made by somebody else.</summary>
    public void Filled(long bytes) => Interlocked.Add(ref _filledBytes, bytes);

    public override void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty) return;
        fixed (byte* from = source) _gpu.CopyFromHost(AddressOf(offset, source.Length), from, source.Length);
        Filled(source.Length);
    }

    public void Read(long offset, Span<byte> destination)
    {
        if (destination.IsEmpty) return;
        fixed (byte* to = destination) _gpu.CopyToHost(to, AddressOf(offset, destination.Length), destination.Length);
    }

    public override void CopyFrom(Storage source)
    {
        var other = (CudaStorage)source;
        if (other.Bytes != Bytes) throw new ArgumentException($"storages differ in length: {other.Bytes} bytes into {Bytes}", nameof(source));
        if (Bytes > 0) _gpu.CopyOnDevice(Address, other.AddressOf(0, Bytes), Bytes);
        _filledBytes = other._filledBytes;
    }

    protected override void Free()
    {
        try
        {
            _engine.Observer.BeforeRelease(this);
        }
        finally
        {
            ReturnMemory();
            GC.SuppressFinalize(this);
        }
    }

    private void Take()
    {
        lock (_taking)
        {
            if (_address != 0 || Bytes == 0) return;
            if (_block is not null && _block.TryTake(out var start))
            {
                _isInBlock = true;
                Volatile.Write(ref _address, start + (ulong)_offset);
                return;
            }

            if (!_gpu.TryAllocate(Bytes, out var address))
            {
                var memory = _gpu.Memory();
                throw new DeviceOutOfMemoryException(Device, Bytes, memory.FreeBytes, memory.TotalBytes);
            }

            Volatile.Write(ref _address, address);
        }
    }

    private void ReturnMemory()
    {
        if (Interlocked.Exchange(ref _owned, 0) == 0) return;
        if (_address != 0 && !_isInBlock) _gpu.Free(_address);
        _block?.Release();
        _gpu.Release();
        _engine.CounterOf(Device).Subtract(Bytes);
        _engine.Accelerator.Subtract(Bytes);
    }
}
