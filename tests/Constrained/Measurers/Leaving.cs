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

    public static long Bytes(string kindAndMiB) => long.Parse(kindAndMiB.Split(' ')[1], null) * ByteSize.MiB;

    [DllImport("libc", SetLastError = true)]
    private static extern int mlock(nint address, nuint length);

    [DllImport("libc", SetLastError = true)]
    private static extern nint mmap(nint address, nuint length, int protection, int flags, int fileDescriptor, long offset);
}
