using System.Diagnostics;
using System.Runtime.InteropServices;
using Loadline.Gauges;

namespace Loadline.Benchmarks;

/// <summary>
/// Makes the first touch of memory cost the same for everybody: holds nearly all that is free, and gives back what a program will take when its clock
/// starts. A virtual machine whose balloon reports free pages lends them to its host after about two seconds, and getting them again takes ten times as
/// long as reading into them. To hold only what a program takes is not enough: the kernel hands out the lent pages before those that came back last.
/// </summary>
internal sealed unsafe class HeldMemory : IDisposable
{
    private const int ChunkBytes = (int)(64 * ByteSize.MiB);

    // For the Engine, and for what programs take before their clock starts.
    private const long LeftBytes = 384 * ByteSize.MiB;

    // While a program waits for its clock: above what makes the kernel reclaim page cache.
    private const long LeftAtLastBytes = 192 * ByteSize.MiB;

    private readonly Stack<nint> _chunks = [];

    /// <summary>What nobody uses, the pages held here included.</summary>
    public long FreeBytes => (long)_chunks.Count * ChunkBytes + UnusedBytes();

    /// <summary>Takes what is free but for a little, and writes to every page.</summary>
    public void Take() => Take(LeftBytes);

    /// <summary>Gives back so many bytes or all there are, and makes sure that they are the ones that the kernel hands out next.</summary>
    public void Release(long bytes)
    {
        // What lay free meanwhile is in small pieces and may be lent: it is touched, and comes on top of what was asked for.
        AwaitReport();
        var held = _chunks.Count;
        Take(LeftAtLastBytes);
        bytes += (long)(_chunks.Count - held) * ChunkBytes;
        for (; bytes > 0 && _chunks.TryPop(out var chunk); bytes -= ChunkBytes) _ = Libc.munmap(chunk, ChunkBytes);
    }

    /// <summary>Gives all of it back.</summary>
    public void Dispose()
    {
        while (_chunks.TryPop(out var chunk)) _ = Libc.munmap(chunk, ChunkBytes);
    }

    // The first chunks consist of huge pages, the last ones of what was left between others: the best go on top of the stack.
    private void Take(long leaveBytes)
    {
        List<nint> taken = [];
        while (UnusedBytes() >= leaveBytes + ChunkBytes) taken.Add(Touched());
        for (var i = taken.Count - 1; i >= 0; i--) _chunks.Push(taken[i]);
    }

    private static nint Touched()
    {
        var chunk = Libc.mmap(0, ChunkBytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapPrivate | Libc.MapAnonymous, -1, 0);
        if (chunk == -1) throw new InsufficientMemoryException($"no {ChunkBytes} bytes to hold: {Marshal.GetLastPInvokeErrorMessage()}");
        _ = Libc.madvise(chunk, ChunkBytes, Libc.MadvHugePage);
        // SAFETY: the mapping has ChunkBytes and can be written, and nobody else knows it.
        for (var offset = 0; offset < ChunkBytes; offset += Environment.SystemPageSize) ((byte*)chunk)[offset] = 1;
        return chunk;
    }

    // Free pages are reported two seconds after the first of them became free, and with them those that became free just now. Right after a report is
    // the time to give something back. A kernel that does not count its reports is not waited for.
    private static void AwaitReport()
    {
        const string counter = "/sys/module/page_reporting/parameters/passes";
        if (!File.Exists(counter)) return;
        var before = File.ReadAllText(counter);
        for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 2200 && File.ReadAllText(counter) == before;) Thread.Sleep(2);
    }

    private static long UnusedBytes() => KernelFile.ReadOnce("/proc/meminfo", stackalloc byte[KernelFile.MaxBytes]).FieldInBytes("MemFree"u8);
}
