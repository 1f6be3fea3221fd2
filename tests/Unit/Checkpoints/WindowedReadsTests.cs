using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Unit.Faults;

namespace Loadline.Unit.Checkpoints;

public sealed class WindowedReadsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Whatever_is_read_in_whatever_order_is_what_the_file_has()
    {
        var bytes = new byte[200_000];
        new Random(3).NextBytes(bytes);
        using var file = File.OpenHandle(_folder.Write("a", bytes));
        var (random, reads) = (new Random(4), new WindowedReads(PositionedReads.OfTheKernel));
        for (var i = 0; i < 300; i++)
        {
            var (position, length) = (random.Next(bytes.Length), random.Next(i % 10 == 0 ? 100_000 : 1000));
            var read = new byte[Math.Min(length, bytes.Length - position)];
            reads.Fill(file, "a", position, read);
            read.AsSpan().SequenceEqual(bytes.AsSpan(position, read.Length)).Should().BeTrue();
        }

        FluentActions.Invoking(() => reads.Fill(file, "a", bytes.Length - 1, new byte[2])).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Truncated);
    }

    [Fact]
    public void Short_reads_near_each_other_are_one()
    {
        using var file = File.OpenHandle(_folder.Write("a", new byte[200_000]));
        var kernel = new CountingReads();
        var reads = new WindowedReads(kernel);
        for (var i = 0; i < 600; i++) reads.Fill(file, "a", 100 * i, new byte[100]);

        kernel.Count.Should().Be(1);
    }
}
