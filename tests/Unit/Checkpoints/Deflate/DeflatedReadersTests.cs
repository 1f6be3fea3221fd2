using System.IO.Compression;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Measuring;
using Microsoft.Win32.SafeHandles;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Deflate;

/// <summary>A compressed record is inflated from its start: who reads it forward does so once, whatever the order of the elements and however many threads there are.</summary>
public sealed class DeflatedReadersTests
{
    [Fact]
    public void Several_readers_are_one() =>
        (Readers("odd/deflated.pth"), Readers("gpt2-tiny.pth"), Readers("folders/dcp-4-ranks")).Should().Be((1, 8, 8));

    // 2 MiB, of which each row reaches over all.
    [Fact]
    public void A_transposed_view_is_verified_by_a_pass_for_each_piece()
    {
        const int Rows = 1 << 16, Columns = 8;
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, "a/data.pkl", File(Dict(Text("w"), Tensor(Storage("0", Rows * Columns), 0, [Rows, Columns], [1, Rows]))), CompressionLevel.NoCompression);
            Add(zip, "a/data/0", Enumerable.Range(0, Rows * Columns).SelectMany(i => BitConverter.GetBytes((float)(i % 1000))).ToArray(), CompressionLevel.Fastest);
        }

        using var folder = new TemporaryFolder();
        var reads = new Counting();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", stream.ToArray()), reads);
        var (before, element) = (reads.Bytes, 0);
        NaiveReader.Read(checkpoint, checkpoint.Entries.Single(), bytes =>
        {
            for (var i = 0; i < bytes.Length; i += sizeof(float), element++)
                BitConverter.ToSingle(bytes[i..]).Should().Be(((element / Columns) + (element % Columns * Rows)) % 1000);
        });

        element.Should().Be(Rows * Columns);
        (reads.Bytes - before).Should().BeLessThan(3 * stream.Length);
    }

    private static int Readers(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        return checkpoint.ReadersOf(8);
    }

    private static void Add(ZipArchive zip, string name, byte[] bytes, CompressionLevel level)
    {
        using var record = zip.CreateEntry(name, level).Open();
        record.Write(bytes);
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
