using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline;

/// <summary>The few calls of libc that .NET does not offer. Constants are those of linux/x86-64 and linux/arm64, which agree but for one.</summary>
internal static partial class Libc
{
    public const int ProtRead = 1;
    public const int ProtWrite = 2;
    public const int MapPrivate = 0x2;
    public const int MapNoReserve = 0x4000;
    public const int MapAnonymous = 0x20;
    public const int MadvRandom = 1;
    public const int MadvWillNeed = 3;
    public const int MadvDontNeed = 4;
    public const int MadvHugePage = 14;
    public const int MadvSequential = 2;
    public const int MadvPopulateRead = 22;
    public const int FileAdviceRandom = 1;
    public const int FileAdviceSequential = 2;
    public const int FileAdviceWillNeed = 3;
    public const int FileAdviceDontNeed = 4;
    public const int ReadNoWait = 8;
    public const int SyncWaitBefore = 1;
    public const int SyncWrite = 2;
    public const int SyncWaitAfter = 4;
    public const int SeekCurrent = 1;
    public const int SeekData = 3;
    public const int SeekHole = 4;
    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenReadWrite = 2;
    public const int OpenNonBlocking = 0x800;
    public const int OpenPath = 0x200000;
    public const int OpenCloseOnExec = 0x80000;
    public const int AtCurrentDirectory = -100;
    public const int AtRemoveFolder = 0x200;
    public const int PermissionDenied = 13;
    public const int NotThroughLinks = 0x100;
    public const int RenameExchange = 2;
    public const uint StatType = 1;
    public const uint StatMode = 2;
    public const uint StatUser = 8;
    public const uint StatGroup = 0x10;
    public const uint StatChanged = 0x80;
    public const uint StatFile = 0x100;
    public const uint StatLength = 0x200;
    public const int StatBytes = 256;
    public const int StatUserAt = 20;
    public const int StatGroupAt = 24;
    public const int StatModeAt = 28;
    public const int StatFileAt = 32;
    public const int StatLengthAt = 40;
    public const int StatChangedAt = 96;
    public const int StatDeviceAt = 136;
    public const int TypeMask = 0xf000;
    public const int TypeFolder = 0x4000;
    public const int TypeFile = 0x8000;
    public const int TypeLink = 0xa000;
    public const uint ModeOfFolders = 0x1ff;
    public const int DuplicateCloseOnExec = 1030;
    public const int SignalKill = 9;
    public const int SignalFileSize = 25;
    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;
    public const int NoSuchEntry = 2;
    public const int NoSuchDeviceOrAddress = 6;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int TryAgain = 11;
    public const int BadAddress = 14;
    public const int NotADirectory = 20;
    public const int TooManyLinks = 40;
    public const int InvalidArgument = 22;
    public const int BadDescriptor = 9;
    public const int NoSpaceLeft = 28;
    public const int BrokenPipe = 32;
    public const int QuotaExceeded = 122;

    /// <summary>SYS_getdents64.</summary>
    public static nint GetEntries { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 61 : 217;

    /// <summary>O_NOFOLLOW: fails with <see cref="TooManyLinks"/> where the last name is a link's. arm64 has a place of its own for it.</summary>
    public static int OpenNoLink { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>O_DIRECTORY and O_NOFOLLOW: a folder, and no link to one. arm64 has places of its own for both.</summary>
    public static int OpenFolder { get; } = OpenNoLink | (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000);

    /// <summary>O_DIRECT, which on arm64 has changed places with O_DIRECTORY.</summary>
    public static int OpenDirect { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint mmap(nint address, nuint length, int protection, int flags, int fileDescriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int process, int signal);

    /// <summary>The path ends with a zero. Bytes, because a name may be no text.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int openat(int folder, byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int unlinkat(int folder, byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int fchmodat(int folder, byte* path, uint mode, int flags);

    /// <summary>
    /// With <see cref="GetEntries"/>, the next of a folder's entries, as <c>struct linux_dirent64</c>; 0 at their end. glibc has a function for it since 2.30, and .NET
    /// asks for 2.28.
    /// </summary>
    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint syscall(nint number, nint folder, byte* entries, nint bytes);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int madvise(nint address, nuint length, int advice);

    /// <summary>Writes one byte for each page of the range; its lowest bit says whether the page is in RAM.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int mincore(nint address, nuint length, byte* pages);

    /// <summary>Returns the error number itself and leaves errno alone. A length of 0 means to the end.</summary>
    [LibraryImport("libc")]
    public static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);

    /// <summary>Where a file has data next, or a hole; fails with <see cref="NoSuchDeviceOrAddress"/> where it has no more. Moves the descriptor's own position.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial long lseek(SafeFileHandle file, long offset, int whence);

    /// <summary>A positioned read with flags. Neither all C libraries nor all file systems have it.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint preadv2(SafeFileHandle file, IoVector* vectors, int count, long offset, int flags);

    /// <summary>Writes a range's dirty pages to the disk, or begins to. It is no substitute for fsync: the disk's own cache is left alone.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int sync_file_range(SafeFileHandle file, long offset, long length, int flags);

    /// <summary>Returns the descriptor itself: a handle that the marshaller makes comes by way of reflection, which takes longer than a small file.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags);

    /// <summary>At the descriptor's own position, which others may share.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint write(SafeFileHandle file, byte* bytes, nuint count);

    /// <summary>Makes another descriptor of an open file, with the lowest free number from <paramref name="atLeast"/> on.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial SafeFileHandle fcntl(int descriptor, int command, int atLeast);

    /// <summary>Makes a number stand for another open file; what it stood for before is closed.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(int descriptor, int number);

    /// <inheritdoc cref="dup2(int, int)"/>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(SafeFileHandle file, int number);

    /// <summary>Sets a variable that native code sees; <see cref="Environment.SetEnvironmentVariable(string, string)"/> reaches managed code only.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int setenv(string name, string value, int overwrite);

    /// <summary>Fails where anything stands under the name already, a link included. Of the mode the process's umask is taken off.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdir(string path, uint mode);

    /// <summary>An owner or group of <see cref="uint.MaxValue"/> stays as it is.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchown(SafeFileHandle file, uint owner, uint group);

    /// <summary>Sets all permissions, whatever the process's umask is.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmod(SafeFileHandle file, uint mode);

    /// <summary>The length of an extended attribute, where no room for it is given.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial nint lgetxattr(string path, string name, byte* value, nuint size);

    /// <summary>What stands under a name. <c>struct statx</c> is the same on all machines: where its members lie is in the constants that end in At.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial int statx(int folder, string path, int flags, uint mask, byte* result);

    /// <summary>Gives whole free pages of malloc's heaps back to the system, all but <paramref name="keptBytes"/> at the end. glibc has it, others need not.</summary>
    /// <returns>1 where there was something to give back, else 0.</returns>
    [LibraryImport("libc")]
    public static partial int malloc_trim(nuint keptBytes);

    /// <summary>A lock on an open file or folder, which goes with its last descriptor.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int renameat2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);

    /// <summary><c>struct iovec</c>.</summary>
    public unsafe struct IoVector
    {
        public void* Address;
        public nuint Bytes;
    }
}
