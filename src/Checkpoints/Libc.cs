using System.Runtime.InteropServices;

namespace Loadline.Checkpoints;

/// <summary>The few calls of libc that .NET does not offer. Constants are those of linux/x86-64 and linux/arm64, which agree here.</summary>
internal static partial class Libc
{
    public const int ProtRead = 1;
    public const int ProtWrite = 2;
    public const int MapPrivate = 0x2;
    public const int MapNoReserve = 0x4000;
    public const int MapAnonymous = 0x20;
    public const int MadvHugePage = 14;
    public const int MadvPopulateRead = 22;
    public const int EInval = 22;

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint mmap(nint address, nuint length, int protection, int flags, int fileDescriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int madvise(nint address, nuint length, int advice);
}
