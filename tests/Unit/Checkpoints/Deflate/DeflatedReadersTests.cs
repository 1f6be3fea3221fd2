using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Measuring;
using Loadline.Unit.Checkpoints.Pth;
using Microsoft.Win32.SafeHandles;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Deflate;

/// <summary>A compressed record is inflated from its start: who reads it forward does so once, whatever the order of the elements and however many threads there are.</summary>
public sealed class DeflatedReadersTests
{
    private const int Record = 16 << 20;

    [Fact]
    public void Several_readers_are_one() =>
        (Readers("odd/deflated.pth"), Readers("gpt2-tiny.pth"), Readers("folders/dcp-4-ranks")).Should().Be((1, 8, 8));

    // By their names each goes on where one before it ended; as they lie in the file, which is how an accelerator gets them, nearly each starts over.
    [Fact]
    public void Views_that_overlap_are_counted_in_the_order_of_the_file_as_well()
    {
        const int Bytes = 2 << 20, Streams = 90, Step = 32 << 10;
        string[] views = [.. from i in Enumerable.Range(0, Streams) from j in Enumerable.Range(0, Bytes / Step - 1) select Text($"{i}.{j}") + View(j * Step + 8 * i, Step)];
        using var folder = new TemporaryFolder();
        var path = folder.Write("a.pth", TinyArchive.Deflated("}(" + string.Concat(views) + "u", new byte[Bytes]));

        Refusal.Of(path, CheckpointError.Unsupported, "it would be inflated more than 4 times, or again and again");

        static string View(int offset, int count) => Tensor(Storage("0", Bytes, "ByteStorage"), offset, [count], [1]);
    }

    // More records in turn than are kept in progress: each turn starts over. Whole tensors may have four names.
    [Theory]
    [InlineData(1, true)]
    [InlineData(Record, false)]
    public void A_record_is_good_for_what_tensors_have_of_it(int elements, bool isRefused)
    {
        const int Records = 24;
        string[] tied = [.. from turn in Enumerable.Range(0, 4) from record in Enumerable.Range(0, Records) select Text($"{turn}.{record}") + Of(record)];
        using var folder = new TemporaryFolder();
        var path = folder.Write("a.pth", TinyArchive.Deflated("}(" + string.Concat(tied) + "u", [.. Enumerable.Repeat(new byte[Record], Records)]));

        if (isRefused) Refusal.Of(path, CheckpointError.Unsupported, "it would be inflated more than 4 times, or again and again");
        else Checkpoint.Open(path).Dispose();

        string Of(int record) => Tensor(Storage($"{record}", Record, "ByteStorage"), Record - elements, [elements], [1]);
    }

    // 2 MiB, of which each row reaches over all.
    [Fact]
    public void A_transposed_view_is_verified_by_a_pass_for_each_piece()
    {
        const int Rows = 1 << 16, Columns = 8;
        byte[] floats = [.. Enumerable.Range(0, Rows * Columns).SelectMany(i => BitConverter.GetBytes((float)(i % 1000)))];
        var archive = TinyArchive.Deflated(Dict(Text("w"), Tensor(Storage("0", Rows * Columns), 0, [Rows, Columns], [1, Rows])), floats);

        using var folder = new TemporaryFolder();
        var reads = new Counting();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", archive), reads);
        var (before, element) = (reads.Bytes, 0);
        NaiveReader.Read(checkpoint, checkpoint.Entries.Single(), bytes =>
        {
            for (var i = 0; i < bytes.Length; i += sizeof(float), element++)
                BitConverter.ToSingle(bytes[i..]).Should().Be(((element / Columns) + (element % Columns * Rows)) % 1000);
        });

        element.Should().Be(Rows * Columns);
        (reads.Bytes - before).Should().BeLessThan(3 * archive.Length);
    }

    // A reader that comes again has all of its blocks made again. Another reading is another matter.
    [Fact]
    public void What_a_checkpoint_has_of_blocks_beyond_its_bytes_each_reading_of_it_has()
    {
        const int Stored = 60_000, Bytes = 25 * Stored;
        byte[] weights = [.. Enumerable.Repeat((byte[])[0, 0x60, 0xea, 0x9f, 0x15, .. new byte[Stored]], 25).SelectMany(block => block)];
        byte[] stream = [.. TinyDeflate.Tables(30_000, isLast: false), .. weights, 1, .. TinyDeflate.EmptyBlock[1..]];
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.WithDeflated(stream, Bytes, Dict(Text("w"), Tensor(Storage("0", Bytes, "ByteStorage"), 0, [Bytes], [1])))));
        var read = () => NaiveReader.Read(checkpoint, checkpoint.Entries.Single(), _ => { });

        read();
        read.Should().Throw<CheckpointException>().WithMessage("*: the compressed record at * is hardly more than the heads of blocks after 0 of 1500000 bytes");
        checkpoint.BeginReading();
        read();
    }

    private static int Readers(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        return checkpoint.ReadersOf(8);
    }

    private sealed class Counting : PositionedReads
    {
        public long Bytes { get; private set; }

        protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
        {
            var read = base.ReadSome(file, position, destination);
            Bytes += read;
            return read;
        }
    }
}
