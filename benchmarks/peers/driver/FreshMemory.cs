using System.Runtime.InteropServices;
using Loadline.Checkpoints;

namespace Loadline.Benchmarks;

/// <summary>
/// Makes the first touch of memory cost the same for everybody: holds as much as a program will take until its clock starts, and gives it back then.
/// A virtual machine whose balloon reports free pages gives them to its host after about two seconds, and getting them again takes ten times as long as
/// reading into them: whoever ran after a pause, or takes long to start, would pay for that.
/// </summary>
internal sealed unsafe class FreshMemory : IDisposable
{
    private readonly nuint _bytes;
    private nint _address;

    /// <summary>Takes so much memory and writes to every page.</summary>
    public FreshMemory(long bytes)
    {
        _bytes = (nuint)bytes;
        _address = Libc.mmap(0, _bytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapPrivate | Libc.MapAnonymous, -1, 0);
        if (_address == -1) throw new InsufficientMemoryException($"no {bytes} bytes to touch: {Marshal.GetLastPInvokeErrorMessage()}");
        _ = Libc.madvise(_address, _bytes, Libc.MadvHugePage);
        // SAFETY: the mapping has `bytes` bytes and can be written, and nobody else knows it.
        for (long offset = 0; offset < bytes; offset += Environment.SystemPageSize) ((byte*)_address)[offset] = 1;
    }

    public void Dispose()
    {
        var address = Interlocked.Exchange(ref _address, 0);
        if (address != 0) _ = Libc.munmap(address, _bytes);
    }
}
