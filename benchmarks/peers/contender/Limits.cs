using System.Diagnostics;
using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;

namespace Loadline.Benchmarks.Contender;

/// <summary>What the machine can do at best, with nothing of a checkpoint's format in the way.</summary>
internal static unsafe partial class Limits
{
    private const int Threads = 2;
    private const int PieceBytes = 8 << 20;
    private const int ReadBytes = 1 << 20;
    private const int HugePageBytes = 2 << 20;
    private const int MadvHugePage = 14;
    private const long SampleBytes = 1L << 30;
    private const int Times = 5;

    /// <summary>The file's bytes into fresh memory, by two threads and positioned reads: the best raw loop that a load can be held against.</summary>
    public static string[] Fill(Stopwatch clock, string path)
    {
        using var file = File.OpenHandle(path);
        var bytes = RandomAccess.GetLength(file);
        var memory = Fresh(bytes);
        var next = 0L;
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(Read)).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        var elapsed = clock.Elapsed;
        NativeMemory.AlignedFree(memory);
        return [Json.Seconds("seconds", elapsed)];

        void Read()
        {
            for (long offset; (offset = Interlocked.Add(ref next, PieceBytes) - PieceBytes) < bytes;)
            {
                // SAFETY: `memory` has `bytes` bytes, and a piece ends at the latest with them.
                var piece = new Span<byte>(memory + offset, (int)Math.Min(PieceBytes, bytes - offset));
                for (var filled = 0; filled < piece.Length;)
                {
                    // As much as stays in the processor's cache between the kernel's two ends of the copy.
                    var count = RandomAccess.Read(file, piece.Slice(filled, Math.Min(ReadBytes, piece.Length - filled)), offset + filled);
                    if (count == 0) throw new EndOfStreamException(path);
                    filled += count;
                }
            }
        }
    }

    /// <summary>A copy in memory by one thread, both sides touched before: the median of several.</summary>
    public static string[] CopyMemory()
    {
        var source = Touched(SampleBytes);
        var target = Touched(SampleBytes);
        return [Json.Seconds("seconds", Median(() => NativeMemory.Copy(source, target, (nuint)SampleBytes)))];
    }

    /// <summary>float32 to bfloat16 by one thread, of as many bytes as the copy reads.</summary>
    public static string[] Convert()
    {
        var source = Touched(SampleBytes);
        var target = Touched(SampleBytes / 2);
        const int blockBytes = 1 << 20;
        return [Json.Seconds("seconds", Median(() =>
        {
            for (long offset = 0; offset < SampleBytes; offset += blockBytes)
            {
                // SAFETY: `source` has SampleBytes, `target` half of them; blocks divide both.
                _ = DTypeConversion.Convert(
                    DType.Float32, new ReadOnlySpan<byte>(source + offset, blockBytes), DType.BFloat16, new Span<byte>(target + offset / 2, blockBytes / 2));
            }
        }))];
    }

    private static TimeSpan Median(Action work)
    {
        var times = new List<TimeSpan>();
        for (var i = 0; i < Times; i++)
        {
            var clock = Stopwatch.StartNew();
            work();
            times.Add(clock.Elapsed);
        }

        times.Sort();
        return times[Times / 2];
    }

    private static byte* Touched(long bytes)
    {
        var memory = Fresh(bytes);
        NativeMemory.Fill(memory, (nuint)bytes, 0x3c);
        return memory;
    }

    private static byte* Fresh(long bytes)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, HugePageBytes);
        _ = madvise((nint)memory, (nuint)bytes, MadvHugePage);
        return memory;
    }

    [LibraryImport("libc")]
    private static partial int madvise(nint address, nuint bytes, int advice);
}
