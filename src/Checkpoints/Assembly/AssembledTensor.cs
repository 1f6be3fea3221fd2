using System.Buffers;
using System.Collections.Immutable;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Assembly;

/// <summary>
/// The bytes of a tensor whose parts lie in several places, as ranks of a distributed training wrote them. They are put together as they are read, in a
/// window of fixed size: no part is ever held as a whole.
/// </summary>
internal sealed class AssembledTensor : IAssembledBytes
{
    // Shorter runs are read together and sorted out in the window; longer ones go where they belong.
    private const int ShortRunBytes = 32 * (int)ByteSize.KiB;

    // Boxes of one mesh meet in one dimension, mostly; a file that makes us compare each with all others is none.
    private const long MaxComparisons = 1 << 22;

    private readonly TensorChunk[] _chunks;

    private AssembledTensor(TensorChunk[] chunks) =>
        (_chunks, Deflated) = (chunks, [.. chunks.Where(c => c.Entry.Storage.CompressedBytes is not null).Select(c => (c.Entry, c.End - c.Start))]);

    /// <inheritdoc/>
    public long Runs => _chunks.Sum(chunk => chunk.Runs);

    /// <inheritdoc/>
    public IReadOnlyList<(TensorEntry Entry, long SpanBytes)> Deflated { get; }

    /// <inheritdoc/>
    public IEnumerable<(ImmutableArray<long> Offsets, TensorEntry Entry, long SpanBytes)> Parts => _chunks.Select(c => (c.Offsets, c.Entry, c.End - c.Start));

    /// <summary>Puts a tensor together.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dtype">Of the tensor and of its chunks.</param>
    /// <param name="shape">Of the tensor.</param>
    /// <param name="chunks">Inside of the tensor; together they have to cover it, each element once.</param>
    /// <param name="path">The checkpoint, for errors.</param>
    /// <param name="ledger">Charged for the comparisons of boxes.</param>
    /// <exception cref="CheckpointException">An element comes twice, or not at all.</exception>
    public static TensorEntry Assemble(string name, DType dtype, ImmutableArray<long> shape, List<TensorChunk> chunks, string path, Ledger ledger)
    {
        RequireCover(name, shape, chunks, path, ledger);
        TensorChunk[] filled = [.. chunks.Where(c => c.Runs > 0)];
        // Boxes that lie between each other are read in turn, and deflate knows no positions: each turn of one more than is kept in progress would start over.
        if (MostAtOnce(filled.Where(c => c.Entry.Storage.CompressedBytes is not null)) is > InflatingReads.MaxInProgress and var deflated)
            throw new CheckpointException(CheckpointError.Unsupported, path, $"has {deflated} compressed parts that lie between each other: unpack them, or save without compression", name);

        // What is in one piece lies in its file as any tensor does, and can be mapped.
        if (filled is [{ Entry: var only }]) return only with { Name = name };
        var first = chunks is [{ Entry.Storage: var at }, ..] ? at : new StorageEntry(path, 0, 0);
        var storage = filled is [] ? first with { Bytes = 0 } : new StorageEntry(first.File, first.Position, dtype.ByteCount(Shapes.ElementCount(shape.AsSpan())))
        {
            Assembled = new AssembledTensor(filled),
        };
        return new TensorEntry(name, dtype, shape, Shapes.ContiguousStrides(shape.AsSpan()), 0, storage);
    }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination, StorageReader read)
    {
        foreach (var chunk in _chunks)
        {
            // Most of a hundred thousand parts lie elsewhere.
            if (chunk.End <= offset || chunk.Start >= offset + destination.Length) continue;
            var run = chunk.FirstBehind(offset);
            if (run == chunk.Runs || chunk.StartOf(run) >= offset + destination.Length) continue;
            if (chunk.RunBytes >= ShortRunBytes && chunk.Entry.IsContiguous) ReadLong(chunk, run, offset, destination, read);
            else ReadShort(chunk, run, offset, destination, read);
        }
    }

    // How many begin before the first of them has ended.
    private static int MostAtOnce(IEnumerable<TensorChunk> chunks)
    {
        List<TensorChunk> byStart = [.. chunks.OrderBy(c => c.Start)], byEnd = [.. byStart.OrderBy(c => c.End)];
        var (most, ended) = (0, 0);
        for (var begun = 0; begun < byStart.Count; begun++)
        {
            while (byEnd[ended].End <= byStart[begun].Start) ended++;
            most = Math.Max(most, begun + 1 - ended);
        }

        return most;
    }

    private static void ReadLong(TensorChunk chunk, long run, long offset, Span<byte> destination, StorageReader read)
    {
        var first = chunk.Entry.StorageOffset * chunk.Entry.DType.BytesPerElement;
        for (; run < chunk.Runs; run++)
        {
            var start = chunk.StartOf(run);
            var (from, to) = (Math.Max(start, offset), Math.Min(start + chunk.RunBytes, offset + destination.Length));
            if (from >= to) return;
            read(chunk.Entry.Storage, first + run * chunk.RunBytes + from - start, destination[(int)(from - offset)..(int)(to - offset)]);
        }
    }

    private static void ReadShort(TensorChunk chunk, long run, long offset, Span<byte> destination, StorageReader read)
    {
        var pieces = new TensorPieceReader(read);
        var window = ArrayPool<byte>.Shared.Rent((int)Math.Min(GatheredReads.WindowBytes, chunk.Entry.ByteCount));
        var wanted = EndOf(chunk, offset + destination.Length);
        // What the window holds, in bytes of the chunk.
        var (begin, end) = (0L, 0L);
        try
        {
            var walk = chunk.WalkFrom(run);
            for (; run < chunk.Runs; run++, walk.MoveNext())
            {
                var start = walk.Start;
                var (from, to) = (Math.Max(start, offset), Math.Min(start + chunk.RunBytes, offset + destination.Length));
                if (from >= to) return;
                for (var (at, stop) = (run * chunk.RunBytes + from - start, run * chunk.RunBytes + to - start); at < stop;)
                {
                    if (at >= end) (begin, end) = Fill(at);
                    var count = (int)(Math.Min(stop, end) - at);
                    window.AsSpan((int)(at - begin), count).CopyTo(destination[(int)(start - offset + at - run * chunk.RunBytes)..]);
                    at += count;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }

        // As much as the window holds, but nothing behind what is wanted: the next read begins there, and a compressed part would be inflated from its start for it.
        (long Begin, long End) Fill(long at)
        {
            var width = chunk.Entry.DType.BytesPerElement;
            var from = at / width * width;
            var count = (int)Math.Min((wanted + width - 1) / width * width - from, window.Length / width * width);
            if (chunk.Entry.IsContiguous) read(chunk.Entry.Storage, chunk.Entry.StorageOffset * width + from, window.AsSpan(0, count));
            else pieces.Read(chunk.Entry, from, window.AsSpan(0, count));
            return (from, from + count);
        }
    }

    // Up to where a chunk's bytes lie before a position of the whole tensor, of which some do.
    private static long EndOf(TensorChunk chunk, long position)
    {
        var last = Math.Min(chunk.FirstBehind(position - 1), chunk.Runs - 1);
        // Where it is another chunk's.
        if (chunk.StartOf(last) >= position) last--;
        return last * chunk.RunBytes + Math.Min(chunk.RunBytes, position - chunk.StartOf(last));
    }

    private static void RequireCover(string name, ImmutableArray<long> shape, List<TensorChunk> chunks, string path, Ledger ledger)
    {
        var (covered, whole) = ((Int128)0, Shapes.ElementCount(shape.AsSpan()));
        foreach (var chunk in chunks) covered += chunk.Entry.ElementCount;
        if (covered != whole) throw Refuse(CheckpointError.Malformed, $"of {whole} elements is written in parts of {covered} altogether: a part of it is missing, or is there twice");

        // Sorted by their first index, a box can only meet those before it that have not ended there.
        chunks.Sort((a, b) => First(a).CompareTo(First(b)));
        var (open, comparisons) = (new List<TensorChunk>(), 0L);
        foreach (var chunk in chunks.Where(c => c.Runs > 0))
        {
            open.RemoveAll(other => Last(other) <= First(chunk));
            comparisons += 2L * open.Count;
            // Boxes are compared dimension by dimension.
            ledger.Work(1 + open.Count * (2L + shape.Length / 2));
            if (comparisons > MaxComparisons) throw Refuse(CheckpointError.LimitExceeded, $"is written in {chunks.Count} parts that lie in each other's way");
            if (open.Exists(chunk.Overlaps)) throw Refuse(CheckpointError.Malformed, "is written in parts of which two hold the same elements");
            open.Add(chunk);
        }

        static long First(TensorChunk chunk) => chunk.Offsets.Length == 0 ? 0 : chunk.Offsets[0];
        static long Last(TensorChunk chunk) => chunk.Offsets.Length == 0 ? 1 : chunk.Offsets[0] + chunk.Entry.Shape[0];
        CheckpointException Refuse(CheckpointError error, string problem) => new(error, path, problem, name);
    }
}
