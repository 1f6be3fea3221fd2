using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.Unit.Reading;

public class PieceTests
{
    private const int WindowBytes = (int)(2 * ByteSize.MiB);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    public void Windows_take_every_byte_once_and_forward(int alignment)
    {
        var destinations = Storages(alignment);

        var (storage, offset) = (0, 0L);
        foreach (var piece in Piece.Windows(destinations, WindowBytes).SelectMany(w => w))
        {
            while (destinations[storage].Layout != piece.Layout || offset == piece.Layout.Bytes)
            {
                offset.Should().Be(destinations[storage].Layout.Bytes);
                (storage, offset) = (storage + 1, 0);
            }

            piece.Offset.Should().Be(offset).And.Match(o => o % 64 == 0);
            piece.Bytes.Should().BeInRange(1, WindowBytes);
            offset += piece.Bytes;
        }

        (storage, offset).Should().Be((destinations.Count - 1, destinations[^1].Layout.Bytes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void No_two_windows_lie_in_the_same_part_of_the_file(int alignment)
    {
        var indexes = Piece.Windows(Storages(alignment), WindowBytes).Select(w => (w[0].Layout.Source.Position + w[0].Offset) / WindowBytes).ToList();

        indexes.Should().OnlyHaveUniqueItems().And.BeInAscendingOrder();
    }

    [Fact]
    public void Storages_that_lie_otherwise_than_the_state_dict_lists_them_are_read_as_they_lie()
    {
        var (a, b, c) = (At(3000, 10), At(1000, 10), At(2000, 10));

        Piece.Windows([a, b, c], WindowBytes).Single().Select(p => p.Layout).Should().Equal(b.Layout, c.Layout, a.Layout);
    }

    [Fact]
    public void What_gets_another_dtype_is_cut_by_its_size_in_memory()
    {
        var storage = new WeightStorage(new StorageEntry("f", 100, 5 * WindowBytes), 0, 5 * WindowBytes / 2, [], ConvertedFrom: DType.Float32);

        Piece.Windows([new(storage, null!)], WindowBytes).Select(w => w.Single().Bytes).Should().Equal(WindowBytes, WindowBytes, WindowBytes / 2);
    }

    /// <summary>Small ones and ones of several windows, with a header before each.</summary>
    internal static List<Destination> Storages(int alignment)
    {
        var random = new Random(alignment);
        var (storages, position) = (new List<Destination>(), 0L);
        for (var i = 0; i < 200; i++)
        {
            position = (position + random.Next(30, 200) + alignment - 1) / alignment * alignment;
            var bytes = random.Next(4) == 0 ? random.Next(1, 5 * WindowBytes) : random.Next(1, 20_000);
            storages.Add(At(position, bytes));
            position += bytes;
        }

        return storages;
    }

    /// <summary>Bytes as they lie in a file.</summary>
    internal static Destination At(long position, long bytes) => new(new WeightStorage(new StorageEntry("f", position, bytes), 0, bytes, []), null!);
}
