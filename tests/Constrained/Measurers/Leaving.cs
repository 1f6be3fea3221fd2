using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Loadline.Constrained.Measurers;

/// <summary>Bodies that touch exactly so many MiB and end at once, without releasing them.</summary>
internal static unsafe class Leaving
{
    public static void With(string kindAndMiB)
    {
        var (kind, bytes) = (kindAndMiB.Split(' ')[0], Bytes(kindAndMiB));
        if (kind == "forked")
        {
            // A process of its own, in the same cgroup.
            using var child = Process.Start(new ProcessStartInfo("dd", ["if=/dev/zero", "of=/dev/null", $"bs={bytes}", "count=1"]) { RedirectStandardError = true })!;
            child.WaitForExit();
            return;
        }

        // MAP_SHARED or MAP_PRIVATE, and MAP_ANONYMOUS.
        var memory = mmap(0, (nuint)bytes, protection: 1 | 2, (kind == "shared" ? 0x1 : 0x2) | 0x20, -1, 0);
        if (memory == -1 || (kind == "locked" && mlock(memory, (nuint)bytes) != 0)) throw new Win32Exception(Marshal.GetLastPInvokeError());
        // SAFETY: the writable mapping of `bytes` that mmap returned; it is never unmapped.
        NativeMemory.Fill((void*)memory, (nuint)bytes, 1);
    }

    /// <summary>Fills as many pipes with 1 MiB each: memory of the kernel's own, by which a cap is met as well.</summary>
    public static void InPipes(string count)
    {
        var pipes = new int[2 * int.Parse(count, null)];
        for (var i = 0; i < pipes.Length; i += 2)
        {
            fixed (int* ends = &pipes[i])
            {
                if (pipe(ends) != 0 || fcntl(ends[1], SetPipeSize, (int)ByteSize.MiB) < 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
            }

            using var end = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(pipes[i + 1], ownsHandle: false), FileAccess.Write, bufferSize: 0);
            end.Write(new byte[ByteSize.MiB]);
        }
    }

    /// <summary>Locks the pages of a file into memory, one MiB after another, until the cap is met.</summary>
    public static void LockingPagesOf(string path)
    {
        using var file = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, System.IO.MemoryMappedFiles.MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, 0, System.IO.MemoryMappedFiles.MemoryMappedFileAccess.Read);
        var start = view.SafeMemoryMappedViewHandle.DangerousGetHandle();
        for (long at = 0; at < new FileInfo(path).Length; at += ByteSize.MiB)
        {
            if (mlock(start + (nint)at, (nuint)ByteSize.MiB) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    public static long Bytes(string kindAndMiB) => long.Parse(kindAndMiB.Split(' ')[1], null) * ByteSize.MiB;

    // F_SETPIPE_SZ of fcntl.h.
    private const int SetPipeSize = 1031;

    [DllImport("libc", SetLastError = true)]
    private static extern int pipe(int* ends);

    [DllImport("libc", SetLastError = true)]
    private static extern int fcntl(int descriptor, int command, int argument);

    [DllImport("libc", SetLastError = true)]
    private static extern int mlock(nint address, nuint length);

    [DllImport("libc", SetLastError = true)]
    private static extern nint mmap(nint address, nuint length, int protection, int flags, int fileDescriptor, long offset);
}
