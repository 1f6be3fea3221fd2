using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;

namespace Loadline.Unit.Checkpoints.Assembly;

public sealed class AssembledTensorTests
{
    private static readonly StorageEntry Place = new("a", 0, 0);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_boxes_a_tensor_is_cut_into_it_is_put_together_again(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            // Few dimensions, or many of which most have one index or two.
            var (most, largest) = round % 2 == 0 ? (4, 8) : (12, 2);
            var shape = ImmutableArray.CreateRange(Enumerable.Range(0, random.Next(1, most + 1)).Select(_ => (long)random.Next(1, largest + 1)));
            var dtype = random.Next(2) == 0 ? DType.Float32 : DType.Float16;
            var expected = new byte[dtype.ByteCount(Shapes.ElementCount(shape.AsSpan()))];
            random.NextBytes(expected);
            var storages = new Dictionary<StorageEntry, byte[]>();
            var chunks = Cut(random, [.. shape.Select(_ => 0L)], shape).Select(box => Chunk(random, shape, dtype, box, expected, storages)).ToList();

            var entry = AssembledTensor.Assemble("w", dtype, shape, [.. chunks.OrderBy(_ => random.Next())], "path", new Ledger());

            var actual = new byte[expected.Length];
            for (var at = 0; at < actual.Length;)
            {
                // A tensor in one piece is as it lies in its file, perhaps transposed.
                var count = entry.Storage.Assembled is null ? actual.Length : Math.Min(random.Next(1, 40), actual.Length - at);
                Read(entry, at, actual.AsSpan(at, count), storages);
                at += count;
            }

            actual.Should().Equal(expected);
        }
    }

    [Fact]
    public void Large_boxes_come_through_the_window_and_past_it()
    {
        ImmutableArray<long> shape = [400, 3000];
        var expected = new byte[400 * 3000 * 4];
        new Random(5).NextBytes(expected);
        foreach (var boxes in ((ImmutableArray<long>, ImmutableArray<long>)[][])[
            [([0, 0], [400, 1000]), ([0, 1000], [400, 2000])], [([0, 0], [100, 3000]), ([100, 0], [300, 3000])]])
        {
            var storages = new Dictionary<StorageEntry, byte[]>();
            var chunks = boxes.Select(box => Chunk(new Random(1), shape, DType.Float32, box, expected, storages)).ToList();
            var entry = AssembledTensor.Assemble("w", DType.Float32, shape, chunks, "path", new Ledger());

            var actual = new byte[expected.Length];
            Read(entry, 0, actual, storages);
            actual.AsSpan().SequenceEqual(expected).Should().BeTrue();
        }
    }

    [Fact]
    public void Parts_are_read_forward_and_nothing_twice_however_many_reads_there_are()
    {
        // Deflate knows no positions: one step back, and a compressed part is inflated from its start again.
        ImmutableArray<long> shape = [600, 300];
        var expected = new byte[600 * 300 * 4];
        new Random(5).NextBytes(expected);
        foreach (var pieceBytes in (int[])[16, 1200, 4096, 65536])
        {
            var storages = new Dictionary<StorageEntry, byte[]>();
            var chunks = new[] { 0L, 100, 150 }.Select((first, i) => new TensorChunk(shape, [0, first], Of(first, i == 0 ? 100 : i == 1 ? 50 : 150))).ToList();
            var entry = AssembledTensor.Assemble("w", DType.Float32, shape, chunks, "path", new Ledger());

            var (actual, ends) = (new byte[expected.Length], new Dictionary<StorageEntry, long>());
            for (var at = 0; at < actual.Length; at += pieceBytes) entry.Storage.Assembled!.Read(at, actual.AsSpan(at, Math.Min(pieceBytes, actual.Length - at)), Forward);

            actual.AsSpan().SequenceEqual(expected).Should().BeTrue();

            void Forward(StorageEntry storage, long at, Span<byte> to)
            {
                at.Should().Be(ends.GetValueOrDefault(storage));
                ends[storage] = at + to.Length;
                storages[storage].AsSpan((int)at, to.Length).CopyTo(to);
            }

            TensorEntry Of(long first, long width)
            {
                var storage = new StorageEntry("a", 0, 600 * width * 4);
                storages.Add(storage, [.. Enumerable.Range(0, 600).SelectMany(row => expected.AsSpan((int)(row * 300 + first) * 4, (int)width * 4).ToArray())]);
                return Entry(DType.Float32, [600, width], storage);
            }
        }
    }

    [Theory]
    [InlineData("0,0 4,2", "a part of it is missing, or is there twice")]
    [InlineData("0,0 4,2;0,1 4,2", "two hold the same elements")]
    [InlineData("0,0 4,2;0,2 4,2;0,0 1,1", "a part of it is missing, or is there twice")]
    [InlineData("0,0 2,4;1,0 2,4", "two hold the same elements")]
    public void Parts_that_do_not_cover_a_tensor_once_are_refused(string boxes, string says)
    {
        ImmutableArray<long> shape = [4, 4];
        var chunks = boxes.Split(';').Select(box => box.Split(' ').Select(part => ImmutableArray.CreateRange(part.Split(',').Select(long.Parse))).ToArray())
            .Select(box => new TensorChunk(shape, box[0], Entry(DType.Float32, box[1], Place))).ToList();

        FluentActions.Invoking(() => AssembledTensor.Assemble("w", DType.Float32, shape, chunks, "path", new Ledger())).Should().Throw<CheckpointException>()
            .WithMessage("path: tensor 'w' *" + says);
    }

    [Fact]
    public void Compressed_parts_that_would_be_inflated_again_and_again_are_refused()
    {
        ImmutableArray<long> shape = [4, 5];
        foreach (var isByRow in (ReadOnlySpan<bool>)[true, false])
        {
            var chunks = Enumerable.Range(0, isByRow ? 4 : 5).Select(i => new TensorChunk(
                shape, isByRow ? [i, 0] : [0, i], Entry(DType.Float32, isByRow ? [1, 5] : [4, 1], new StorageEntry("a", 0, 64, CompressedBytes: 32)))).ToList();
            var assemble = () => AssembledTensor.Assemble("w", DType.Float32, shape, chunks, "path", new Ledger());

            if (isByRow) assemble.Should().NotThrow();
            else assemble.Should().Throw<CheckpointException>().WithMessage("path: tensor 'w' has 5 compressed parts that lie between each other*");
        }
    }

    [Fact]
    public void An_empty_tensor_and_a_scalar_need_no_putting_together()
    {
        var empty = AssembledTensor.Assemble("e", DType.Float32, [0, 4], [new TensorChunk([0, 4], [0, 0], Entry(DType.Float32, [0, 4], Place))], "path", new Ledger());
        var scalar = AssembledTensor.Assemble("s", DType.Float32, [], [new TensorChunk([], [], Entry(DType.Float32, [], new StorageEntry("a", 8, 4)))], "path", new Ledger());

        (empty.Storage.Bytes, empty.Shape.ToArray()).Should().BeEquivalentTo((0L, new long[] { 0, 4 }));
        (scalar.Storage.Position, scalar.Storage.IsMappable).Should().Be((8, true));
    }

    private static TensorEntry Entry(DType dtype, ImmutableArray<long> shape, StorageEntry storage) => new("", dtype, shape, Shapes.ContiguousStrides(shape.AsSpan()), 0, storage);

    private static void Read(TensorEntry entry, long offset, Span<byte> destination, Dictionary<StorageEntry, byte[]> storages)
    {
        if (entry.Storage.Assembled is { } parts) parts.Read(offset, destination, Of);
        else new TensorPieceReader(Of).Read(entry, offset, destination);

        void Of(StorageEntry storage, long at, Span<byte> to) => storages[storage].AsSpan((int)at, to.Length).CopyTo(to);
    }

    // A box in halves, and those in halves.
    private static IEnumerable<(ImmutableArray<long> Offsets, ImmutableArray<long> Sizes)> Cut(Random random, ImmutableArray<long> offsets, ImmutableArray<long> sizes)
    {
        var d = random.Next(sizes.Length);
        if (sizes[d] < 2 || random.Next(4) == 0) return [(offsets, sizes)];
        var first = random.Next(1, (int)sizes[d]);
        return [.. Cut(random, offsets, sizes.SetItem(d, first)), .. Cut(random, offsets.SetItem(d, offsets[d] + first), sizes.SetItem(d, sizes[d] - first))];
    }

    // Some lie transposed, and some behind other bytes.
    private static TensorChunk Chunk(
        Random random, ImmutableArray<long> whole, DType dtype, (ImmutableArray<long> Offsets, ImmutableArray<long> Sizes) box, byte[] expected,
        Dictionary<StorageEntry, byte[]> storages)
    {
        var width = dtype.BytesPerElement;
        var (strides, offset) = (Shapes.ContiguousStrides(box.Sizes.AsSpan()), random.Next(3));
        if (random.Next(3) == 0) strides = [.. Shapes.ContiguousStrides([.. box.Sizes.Reverse()]).Reverse()];
        var bytes = new byte[(Shapes.ElementCount(box.Sizes.AsSpan()) + offset) * width];
        var wholeStrides = Shapes.ContiguousStrides(whole.AsSpan());
        for (long i = 0; i < Shapes.ElementCount(box.Sizes.AsSpan()); i++)
        {
            var (from, to, rest) = (0L, (long)offset, i);
            for (var d = box.Sizes.Length - 1; d >= 0; d--)
            {
                (rest, var index) = Math.DivRem(rest, box.Sizes[d]);
                from += (box.Offsets[d] + index) * wholeStrides[d];
                to += index * strides[d];
            }

            expected.AsSpan((int)from * width, width).CopyTo(bytes.AsSpan((int)to * width));
        }

        var storage = new StorageEntry("a", 0, bytes.Length);
        storages.Add(storage, bytes);
        return new TensorChunk(whole, box.Offsets, new TensorEntry("", dtype, box.Sizes, strides, offset, storage));
    }
}
