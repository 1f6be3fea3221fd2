using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints;

/// <summary>Views whose elements lie so far from each other that each is read by itself.</summary>
public sealed class ScatteredViewsTests
{
    [Theory]
    [InlineData(new long[] { 257, 257, 257 }, new long[] { 4097, 4097, 4097 }, 1, 257 * 257 * 257)]
    // Each column of a wide table, a table that lies column by column, a sliding window, and a row that is repeated.
    [InlineData(new long[] { 1000 }, new long[] { 8192 }, 4, 1000)]
    [InlineData(new long[] { 1000, 1000 }, new long[] { 1, 1000 }, 4, 4)]
    [InlineData(new long[] { 1000, 64 }, new long[] { 1, 1 }, 1, 1)]
    [InlineData(new long[] { 1 << 20, 1024 }, new long[] { 0, 1 }, 1, 1)]
    public void Reads_are_counted_as_they_are_made(long[] shape, long[] strides, int width, long reads) =>
        GatheredReads.Count(shape, strides, width).Should().BeInRange(reads, reads + 1);

    [Theory]
    [InlineData(new long[] { 257, 257, 257 }, new long[] { 4097, 4097, 4097 }, true)]
    [InlineData(new long[] { 1, 2, 700 }, new long[] { 5000, 4098, 5000 }, false)]
    [InlineData(new long[] { 1000, 1000 }, new long[] { 1, 3000 }, false)]
    public void Only_where_they_lie_over_each_other_and_are_many_they_are_refused(long[] shape, long[] strides, bool isRefused)
    {
        var count = shape.Zip(strides, (size, stride) => (size - 1) * stride).Sum() + 1;
        var archive = TinyArchive.Of(
            ("a/data.pkl", File(Dict(Text("w"), Tensor(Storage("0", count, "ByteStorage"), 0, shape, strides)))), ("a/data/0", new byte[count]));

        using var folder = new TemporaryFolder();
        if (isRefused) Refusal.Of(archive, CheckpointError.Unsupported, "tensor 'w' is a view whose elements lie over each other, and too far apart to be read together");
        else Checkpoint.Open(folder.Write("a.pth", archive)).Dispose();
    }
}
