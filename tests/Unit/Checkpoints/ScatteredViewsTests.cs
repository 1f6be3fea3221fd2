using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints;

/// <summary>Views whose elements lie so far from each other that each is read by itself.</summary>
public sealed class ScatteredViewsTests
{
    // Dimensions over each other, a column of a wide table, a table that lies column by column, a sliding window, rows that are repeated, and each of many rows apart; a
    // table in bytes that lies column by column, and columns that are repeated.
    [Theory]
    [InlineData(new long[] { 257, 65, 65 }, new long[] { 4097, 4097, 4097 }, 1)]
    [InlineData(new long[] { 300, 300 }, new long[] { 4097, 4097 }, 1)]
    [InlineData(new long[] { 1000 }, new long[] { 8192 }, 4)]
    [InlineData(new long[] { 1000, 1000 }, new long[] { 1, 1000 }, 4)]
    [InlineData(new long[] { 3000, 700 }, new long[] { 1, 3000 }, 8)]
    [InlineData(new long[] { 1000, 64 }, new long[] { 1, 1 }, 1)]
    [InlineData(new long[] { 2048, 1024 }, new long[] { 0, 1 }, 1)]
    [InlineData(new long[] { 40, 300, 300 }, new long[] { 0, 4097, 4097 }, 1)]
    [InlineData(new long[] { 60, 129, 129 }, new long[] { 1, 1100, 1100 }, 8)]
    [InlineData(new long[] { 4096, 5000 }, new long[] { 1, 4096 }, 1)]
    [InlineData(new long[] { 2000, 5000 }, new long[] { 0, 500 }, 8)]
    [InlineData(new long[] { 3, 3, 3, 3, 3, 3, 5000 }, new long[] { 1, 3, 9, 27, 81, 243, 4000 }, 1)]
    public void Reads_are_counted_as_they_are_made(long[] shape, long[] strides, int width)
    {
        var (made, bytes) = (0L, 0L);
        var view = new TensorEntry("w", width == 1 ? DType.UInt8 : width == 4 ? DType.Float32 : DType.Float64, [.. shape], [.. strides], 0, new StorageEntry("a", 0, 1L << 40));
        var reader = new TensorPieceReader((_, _, destination) => (made, bytes) = (made + 1, bytes + destination.Length));
        var piece = new byte[ReadSizes.GatheredBytes];
        for (var at = 0L; at < view.ByteCount; at += piece.Length) reader.Read(view, at, piece.AsSpan(0, (int)Math.Min(piece.Length, view.ByteCount - at)));

        // A piece may begin and end within several dimensions, and takes a few reads more for each.
        var (reads, bytesInVain) = GatheredReads.Count(shape, strides, width, piece.Length);
        made.Should().BeInRange(reads / 2, (2 * reads) + 200);
        Math.Max(0, bytes - view.ByteCount).Should().BeInRange(bytesInVain / 2, (3 * bytesInVain) + ByteSize.MiB);
    }

    [Theory]
    [InlineData(new long[] { 257, 257, 257 }, new long[] { 4097, 4097, 4097 }, true)]
    [InlineData(new long[] { 150, 300, 300 }, new long[] { 0, 4097, 4097 }, true)]
    [InlineData(new long[] { 257, 257, 257 }, new long[] { 1, 4097, 4097 }, true)]
    [InlineData(new long[] { 1, 2, 700 }, new long[] { 5000, 4098, 5000 }, false)]
    [InlineData(new long[] { 4000, 1000 }, new long[] { 1, 4500 }, false)]
    [InlineData(new long[] { 9000, 1100 }, new long[] { 1, 4096 }, false)]
    [InlineData(new long[] { 400_000, 5000 }, new long[] { 0, 4096 }, true)]
    public void Only_where_they_lie_over_each_other_and_are_many_they_are_refused(long[] shape, long[] strides, bool isRefused)
    {
        var count = shape.Zip(strides, (size, stride) => (size - 1) * stride).Sum() + 1;
        Open(count, Text("w") + Tensor(Storage("0", count, "ByteStorage"), 0, shape, strides), isRefused);
    }

    // As ranks write the columns of a matrix that lies transposed, each of its own.
    [Theory]
    [InlineData(1100, 22_000, 8)]
    [InlineData(1100, 19_008, 64)]
    public void Transposed_parts_are_read_as_they_are(int rows, int columns, int ranks)
    {
        var width = columns / ranks;
        var chunks = Enumerable.Range(0, ranks).Select(rank => new TensorChunk(
            [rows, columns], [0, rank * width], new TensorEntry("", DType.Float32, [rows, width], [1, rows], 0, new StorageEntry($"{rank}", 0, 4L * rows * width)))).ToList();
        var matrix = AssembledTensor.Assemble("w", DType.Float32, [rows, columns], chunks, "path", new Ledger());

        FluentActions.Invoking(() => ScatteredViews.RequireFew("path", [matrix])).Should().NotThrow();
    }

    // However much there is of the storage, it is of no use to them.
    [Fact]
    public void Boxes_of_one_part_that_repeats_its_rows_are_refused_whatever_they_lie_in()
    {
        const int rows = 900, width = 524, boxes = 2000;
        var part = new TensorEntry("", DType.UInt8, [rows, width], [0, 1], 0, new StorageEntry("a", 0, 1L << 40));
        var chunks = Enumerable.Range(0, boxes).Select(box => new TensorChunk([rows, boxes * width], [0, box * width], part)).ToList();
        var matrix = AssembledTensor.Assemble("w", DType.UInt8, [rows, boxes * width], chunks, "path", new Ledger());

        FluentActions.Invoking(() => ScatteredViews.RequireFew("path", [matrix])).Should().Throw<CheckpointException>().WithMessage("*too far apart to be read together*");
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(1200, true)]
    public void Views_of_one_storage_are_counted_together(int views, bool isRefused)
    {
        const int rows = 1000, stride = 5000;
        var tensors = Enumerable.Range(0, views).Select(i => Text($"{i}") + Tensor(Storage("0", rows * stride, "ByteStorage"), i, [rows], [stride]));
        Open(rows * stride, string.Concat(tensors), isRefused);
    }

    // Each brings the whole storage for a few rows of it.
    [Theory]
    [InlineData(4, 1, false)]
    [InlineData(300, 1, true)]
    [InlineData(300, 0, false)]
    public void What_is_read_between_is_counted_and_tied_names_are_one(int views, int apart, bool isRefused)
    {
        const int rows = 4096, columns = 2000, bytes = rows * columns + 300;
        var tensors = Enumerable.Range(0, views).Select(i => Text($"{i}") + Tensor(Storage("0", bytes, "ByteStorage"), i * apart, [rows, columns], [1, rows]));
        Open(bytes, string.Concat(tensors), isRefused);
    }

    private static void Open(long bytes, string items, bool isRefused)
    {
        var archive = TinyArchive.Of(("a/data.pkl", File("}(" + items + "u")), ("a/data/0", new byte[bytes]));
        using var folder = new TemporaryFolder();
        if (isRefused) Refusal.Of(archive, CheckpointError.Unsupported, "is a view whose elements lie too far apart to be read together, so that");
        else Checkpoint.Open(folder.Write("a.pth", archive)).Dispose();
    }
}
