using System.Runtime.InteropServices;

namespace Loadline.Benchmarks;

/// <summary>
/// Makes the first touch of memory cost the same for everybody. A virtual machine whose balloon reports free pages gives them back to its host after about
/// two seconds, and getting them again takes ten times as long as reading into them: whoever ran after a pause would pay for the pause.
/// </summary>
internal static partial class FreshMemory
{
    /// <summary>Takes so much memory, writes to every page, and gives it back: it is what the next program gets.</summary>
    public static unsafe void Provide(long bytes)
    {
        const int readWrite = 3, privateAnonymous = 0x22, hugePages = 14;
        var address = mmap(0, (nuint)bytes, readWrite, privateAnonymous, -1, 0);
        if (address == -1) throw new InsufficientMemoryException($"no {bytes} bytes to touch: {Marshal.GetLastPInvokeErrorMessage()}");
        _ = madvise(address, (nuint)bytes, hugePages);
        // SAFETY: the mapping has `bytes` bytes and can be written, and nobody else knows it.
        for (long offset = 0; offset < bytes; offset += Environment.SystemPageSize) ((byte*)address)[offset] = 1;
        _ = munmap(address, (nuint)bytes);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int fileDescriptor, long offset);

    [LibraryImport("libc")]
    private static partial int madvise(nint address, nuint length, int advice);

    [LibraryImport("libc")]
    private static partial int munmap(nint address, nuint length);
}
