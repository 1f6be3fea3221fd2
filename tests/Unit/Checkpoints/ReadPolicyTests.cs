using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Gauges;

namespace Loadline.Unit.Checkpoints;

public sealed class ReadPolicyTests : IDisposable
{
    private const int WeightBytes = 16 << 20;
    private const int FolioBytes = 2 << 20;

    private readonly TemporaryFolder _folder = new(onDisk: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_read_stays_in_the_page_cache(bool readsAhead) =>
        ResidentAfterReading(new(readsAhead, DropsBehind: false)).Should().BeGreaterThanOrEqualTo(WeightBytes);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_dropped_behind_leaves_it_but_for_the_folios_at_both_ends(bool readsAhead) =>
        ResidentAfterReading(new(readsAhead, DropsBehind: true)).Should().BeLessThanOrEqualTo(2 * FolioBytes);

    [Fact]
    public void Reading_in_small_pieces_drops_what_large_ones_drop() =>
        ResidentAfterReading(new(ReadsAhead: true, DropsBehind: true), pieceBytes: 100_000).Should().BeLessThanOrEqualTo(2 * FolioBytes);

    public void Dispose() => _folder.Dispose();

    private long ResidentAfterReading(ReadPolicy policy, int pieceBytes = 8 << 20)
    {
        var path = Write();
        if (!PageCache.Evict(path).IsCold) Assert.Skip("this filesystem keeps its pages");
        using var checkpoint = Checkpoint.Open(path);
        checkpoint.ReadPolicy = policy;

        var expected = Bytes();
        var piece = new byte[pieceBytes];
        for (var offset = 0; offset < WeightBytes; offset += pieceBytes)
        {
            var read = piece.AsSpan(0, Math.Min(pieceBytes, WeightBytes - offset));
            checkpoint.Read(checkpoint.Storages[0], offset, read);
            read.SequenceEqual(expected.AsSpan(offset, read.Length)).Should().BeTrue();
        }

        return PageCache.Residency(path).ResidentBytes!.Value;
    }

    private static byte[] Bytes()
    {
        var bytes = new byte[WeightBytes];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private string Write()
    {
        var header = Encoding.UTF8.GetBytes($$"""{"w": {"dtype": "U8", "shape": [{{WeightBytes}}], "data_offsets": [0, {{WeightBytes}}]} }""");
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return _folder.Write("w.safetensors", [.. length, .. header, .. Bytes()]);
    }
}
