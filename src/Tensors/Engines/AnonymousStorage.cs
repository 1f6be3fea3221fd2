using System.Runtime.InteropServices;
using Loadline.Tensors.Memory;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Memory of the process, outside the managed heap: under a cap the kernel kills for it, where a managed array would throw. A finalizer
/// returns what nobody disposed.
/// </summary>
internal sealed unsafe class AnonymousStorage : HostStorage
{
    /// <summary>
    /// From here on blocks get a mapping of their own: it returns to the kernel when freed, whereas malloc's heap may keep it, and it is
    /// aligned for huge pages, which make the first touch three times as fast.
    /// </summary>
    private const long OwnMappingBytes = 256 * ByteSize.KiB;

    private readonly Engine _engine;
    private nint _address;

    public AnonymousStorage(Engine engine, long bytes)
        : base(bytes)
    {
        _engine = engine;
        _address = bytes >= OwnMappingBytes ? Map(bytes) : Allocate(bytes);
        engine.Host.Add(bytes);
    }

    ~AnonymousStorage() => ReturnMemory();

    public override byte* Pointer => _address != 0 ? (byte*)_address : throw new ObjectDisposedException(nameof(AnonymousStorage));

    protected override void Free()
    {
        _engine.Observer.BeforeRelease(this);
        ReturnMemory();
        GC.SuppressFinalize(this);
    }

    private static nint Map(long bytes)
    {
        const int anonymousPrivate = Libc.MapPrivate | Libc.MapAnonymous;
        var address = Libc.mmap(0, (nuint)bytes, Libc.ProtRead | Libc.ProtWrite, anonymousPrivate, -1, 0);
        if (address == -1) throw DeviceOutOfMemoryException.OnHost(bytes);
        _ = Libc.madvise(address, (nuint)bytes, Libc.MadvHugePage);
        return address;
    }

    private static nint Allocate(long bytes)
    {
        try
        {
            return (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        }
        catch (OutOfMemoryException)
        {
            throw DeviceOutOfMemoryException.OnHost(bytes);
        }
    }

    private void ReturnMemory()
    {
        var address = Interlocked.Exchange(ref _address, 0);
        if (address == 0) return;
        if (Bytes >= OwnMappingBytes) _ = Libc.munmap(address, (nuint)Bytes);
        else NativeMemory.AlignedFree((void*)address);
        _engine.Host.Subtract(Bytes);
    }
}
