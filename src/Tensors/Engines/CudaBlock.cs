using Loadline.Cuda;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Memory of a GPU that several storages share, asked of the driver in one call when the first of them needs it, and given back with the last. A call takes
/// as long for a gigabyte as for a megabyte, and longer beside copies: on an H200, readers of gpt2-medium's page cache were in 413 such calls for longer than
/// in those that copy.
/// </summary>
/// <param name="gpu">The GPU.</param>
internal sealed class CudaBlock(CudaDevice gpu)
{
    // What PyTorch's allocator aligns tensors to: the widest load of a kernel, and more.
    private const long AlignmentBytes = 512;

    private readonly Lock _taking = new();
    private long _bytes;
    private ulong _address;
    private bool _isRefused;
    private int _storages;

    /// <summary>How much is reserved.</summary>
    public long Bytes => _bytes;

    /// <summary>A place for a storage, which owns a share from here on; before any address was asked for.</summary>
    /// <returns>Where it begins in the block.</returns>
    public long Reserve(long bytes)
    {
        var offset = _bytes;
        _bytes = checked(offset + (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes);
        _storages++;
        return offset;
    }

    /// <summary>Where it lies.</summary>
    /// <returns>False where the driver has not so much in one piece: each storage then asks for its own.</returns>
    /// <exception cref="CudaException">The driver failed.</exception>
    public bool TryTake(out ulong address)
    {
        lock (_taking)
        {
            if (_address == 0 && !_isRefused) _isRefused = !gpu.TryAllocate(_bytes, out _address);
            address = _address;
            return !_isRefused;
        }
    }

    /// <summary>Gives up a storage's share. SAFETY: with the last one the memory goes; nobody else has an address in it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _storages) == 0 && _address != 0) gpu.Free(_address);
    }
}

/// <summary>Places for the storages of one load in blocks of at most <see cref="ReadSizes.CudaBlockBytes"/>, in the order in which they are read.</summary>
/// <param name="gpu">The GPU.</param>
internal sealed class CudaBlocks(CudaDevice gpu)
{
    private CudaBlock? _last;

    /// <summary>The block for the next storage, which reserves its place there.</summary>
    public CudaBlock For(long bytes)
    {
        if (_last is null || _last.Bytes + bytes > ReadSizes.CudaBlockBytes) _last = new CudaBlock(gpu);
        return _last;
    }
}
