using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Loadline.Toucher;

/// <summary>Takes native memory of each kind and touches exactly the pages asked for; it is never given back.</summary>
internal static unsafe partial class Touch
{
    private const int Read = 1;
    private const int ReadWrite = 1 | 2;
    private const int Shared = 0x1;
    private const int Private = 0x2;
    private const int Anonymous = 0x20;

    /// <summary>Takes memory of its own, as <c>anon</c>, <c>shmem</c> or <c>locked</c>.</summary>
    public static void Take(string kind, long bytes)
    {
        var memory = Map(bytes, ReadWrite, (kind == "shmem" ? Shared : Private) | Anonymous, file: -1);
        // As a driver pins what it copies from: the kernel brings all pages at once.
        if (kind == "locked" && mlock(memory, (nuint)bytes) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        WritePages(memory, bytes, step: 1);
    }

    public static void MappedRead(long bytes, string file)
    {
        var memory = MapFile(file, bytes, Read);
        long sum = 0;
        for (long at = 0; at < bytes; at += Environment.SystemPageSize) sum += memory[at];
        // The compiler must not drop reads whose result nobody wants.
        GC.KeepAlive(sum);
    }

    public static void MappedWriteEverySecondPage(long bytes, string file) => WritePages(MapFile(file, bytes, ReadWrite), bytes, step: 2);

    // SAFETY: `memory` is a writable mapping of `bytes`, as Map returns it.
    private static void WritePages(byte* memory, long bytes, int step)
    {
        for (long at = 0; at < bytes; at += (long)step * Environment.SystemPageSize) memory[at] = 1;
    }

    private static byte* MapFile(string path, long bytes, int protection)
    {
        using var file = File.OpenHandle(path);
        if (RandomAccess.GetLength(file) < bytes) throw new ArgumentException($"{path} is shorter than {bytes} bytes");
        return Map(bytes, protection, Private, file.DangerousGetHandle().ToInt32());
    }

    private static byte* Map(long bytes, int protection, int flags, int file)
    {
        var address = mmap(0, (nuint)bytes, protection, flags, file, 0);
        return address != -1 ? (byte*)address : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mlock(byte* address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int fileDescriptor, long offset);
}
