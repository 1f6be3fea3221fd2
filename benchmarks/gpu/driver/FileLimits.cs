using System.Diagnostics;

namespace Loadline.Benchmarks.Gpu;

/// <summary>What the machine gives at best when a file is only read, with nothing of its format and no device in the way.</summary>
internal static class FileLimits
{
    private const int PieceBytes = 4 << 20;

    /// <summary>One stream seldom gets all of a disk.</summary>
    public static IReadOnlyList<int> DirectStreams { get; } = [1, 8];

    /// <summary>1, 2, 4, … up to the cores, and the count that a streamed load takes.</summary>
    public static IEnumerable<int> ReaderCounts(int ofStreamed) =>
        Enumerable.Range(0, 31).Select(i => 1 << i).TakeWhile(readers => readers <= Environment.ProcessorCount).Append(ofStreamed).Distinct().Order();

    /// <summary>The row of so many readers.</summary>
    public static string ReadBy(int readers) => $"read by {readers}";

    /// <summary>The row of so many <c>dd</c>.</summary>
    public static string DirectBy(int streams) => $"dd O_DIRECT × {streams}";

    /// <summary>Positioned reads by so many threads, each into its part of a ring: what a streamed load does on the host's side.</summary>
    public static async Task<GpuRun> ReadAsync(string path, int readers, long ringBytes, bool cold)
    {
        if (cold) PageCacheState.Cool(path);
        else PageCacheState.Warm(path);
        using var file = File.OpenHandle(path);
        var bytes = RandomAccess.GetLength(file);
        var buffers = Enumerable.Range(0, readers).Select(_ => new byte[(int)Math.Clamp(ringBytes / readers, PieceBytes, int.MaxValue)]).ToList();
        var next = 0L;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(buffers.Select(buffer => Task.Factory.StartNew(() => Read(buffer), TaskCreationOptions.LongRunning)));
        return new GpuRun(clock.Elapsed.TotalSeconds);

        void Read(byte[] buffer)
        {
            var slot = 0;
            for (long offset; (offset = Interlocked.Add(ref next, PieceBytes) - PieceBytes) < bytes; slot += PieceBytes)
            {
                // Round the reader's part of the ring, so that the writes meet the processor's caches as a load's do.
                if (slot + PieceBytes > buffer.Length) slot = 0;
                var end = Math.Min(offset + PieceBytes, bytes);
                for (var position = offset; position < end;)
                {
                    var count = RandomAccess.Read(file, buffer.AsSpan(slot + (int)(position - offset), (int)(end - position)), position);
                    if (count == 0) throw new ContenderException($"{path}: ended early");
                    position += count;
                }
            }
        }
    }

    /// <summary>The disk past the page cache, by so many <c>dd</c> at once, each with its part of the file.</summary>
    public static async Task<GpuRun> DirectAsync(string path, int streams, CancellationToken cancellation)
    {
        // Pages that are still to be written back would be written first, within the time.
        PageCacheState.Cool(path);
        const int block = 8 << 20;
        var blocks = (new FileInfo(path).Length + block - 1) / block;
        var each = (blocks + streams - 1) / streams;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, streams).Select(i => MeasuredProcess.RunAsync(
            ["dd", $"if={path}", "of=/dev/null", $"bs={block}", "iflag=direct", $"skip={i * each}", $"count={each}", "status=none"], gpu: null, cancellation)));
        return new GpuRun(clock.Elapsed.TotalSeconds);
    }
}
