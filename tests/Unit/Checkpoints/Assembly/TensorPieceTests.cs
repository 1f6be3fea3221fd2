using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;

namespace Loadline.Unit.Checkpoints.Assembly;

public sealed class TensorPieceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("views.pth")]
    [InlineData("odd/views-of-cube.pth")]
    [InlineData("gpt2-tiny.pth")]
    [InlineData("scalar-and-empty.pth")]
    public void Pieces_of_any_size_are_the_tensor_in_order(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        foreach (var entry in checkpoint.Entries)
        {
            foreach (var pieceBytes in (int[])[16, 48, 160, 4096]) Read(checkpoint, entry, pieceBytes).Should().Equal(NaiveBytes.Read(checkpoint, entry), entry.Name);
        }
    }

    // In uint16, over a storage of 6 MiB: larger than the window through which what lies near is read.
    [Theory]
    [InlineData("3000 1000", "1 3000", 0)] // transposed
    [InlineData("1500000", "2", 1)]
    [InlineData("3000 2", "1000 1", 998)] // rows far apart
    [InlineData("3000 3", "1000 300", 7)]
    [InlineData("3 1000 1000", "1 3000 3", 0)] // channels first, from channels last
    [InlineData("700 1000", "0 3", 5)] // expanded
    [InlineData("2 2", "1500000 1000000", 9)] // single elements
    [InlineData("100 5 1000", "30000 7 20", 3)]
    public void Views_of_a_storage_larger_than_the_window_are_gathered_right(string shape, string strides, long offset)
    {
        var path = WriteNumbers(3_000_000);
        using var checkpoint = Checkpoint.Open(path);
        var whole = checkpoint.Entries.Single();
        var view = whole with { Shape = Numbers(shape), Strides = Numbers(strides), StorageOffset = offset };

        Read(checkpoint, view, 1 << 16).AsSpan().SequenceEqual(NaiveBytes.Read(checkpoint, view)).Should().BeTrue();
        Read(checkpoint, view, 1 << 21).AsSpan().SequenceEqual(NaiveBytes.Read(checkpoint, view)).Should().BeTrue();
    }

    [Fact]
    public void The_window_is_lent_not_made_for_each_reader()
    {
        var path = WriteNumbers(3_000);
        using var checkpoint = Checkpoint.Open(path);
        var view = checkpoint.Entries.Single() with { Shape = [2], Strides = [2] };
        _ = Read(checkpoint, view, 16);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) _ = Read(checkpoint, view, 16);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1 << 20);
    }

    private static byte[] Read(Checkpoint checkpoint, TensorEntry entry, int pieceBytes)
    {
        var reader = new TensorPieceReader(checkpoint.Read);
        var all = new List<byte>();
        foreach (var piece in TensorPiece.Of(entry, pieceBytes))
        {
            piece.Bytes.Should().BeInRange(1, pieceBytes);
            var bytes = new byte[piece.Bytes];
            reader.Read(piece, bytes);
            all.AddRange(bytes);
        }

        return [.. all];
    }

    private string WriteNumbers(int count)
    {
        using var writer = CheckpointWriter.Create(_folder["in"], CheckpointFormat.Safetensors, [new("w", DType.UInt16, [count])]);
        for (var i = 0; i < count; i++) writer.Write(BitConverter.GetBytes((ushort)(i * 40503 >> 7)));
        writer.Commit();
        return _folder["in"];
    }

    private static ImmutableArray<long> Numbers(string text) => [.. text.Split(' ').Select(long.Parse)];
}
