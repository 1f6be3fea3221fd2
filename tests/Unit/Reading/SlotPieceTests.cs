using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.Unit.Reading;

public class SlotPieceTests
{
    private const int SlotBytes = (int)(2 * ByteSize.MiB);

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void Slots_hold_what_they_are_given_without_overlaps(int alignment)
    {
        var storages = PieceTests.Storages(alignment);
        var slots = Piece.Windows(storages, 3 * SlotBytes).SelectMany(w => SlotPiece.Packed(w, SlotBytes)).ToList();

        slots.Should().AllSatisfy(slot =>
        {
            var end = 0;
            foreach (var (piece, position) in slot)
            {
                position.Should().BeGreaterThanOrEqualTo(end).And.Match(p => p % 64 == 0);
                end = position + piece.Bytes;
            }

            end.Should().BeLessThanOrEqualTo(SlotBytes);
        });
        slots.Sum(s => s.Sum(p => (long)p.Piece.Bytes)).Should().Be(storages.Sum(d => d.Layout.Bytes));
    }

    [Fact]
    public void All_slots_of_a_window_but_the_last_are_full()
    {
        var window = Piece.Windows(PieceTests.Storages(alignment: 1), 3 * SlotBytes).First();

        var slots = SlotPiece.Packed(window, SlotBytes / 4);

        slots.Count.Should().BeGreaterThan(8);
        slots.SkipLast(1).Should().AllSatisfy(slot => (slot[^1].Position + slot[^1].Piece.Bytes).Should().BeInRange(SlotBytes / 4 - 63, SlotBytes / 4));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    public void Stretches_begin_at_a_block_and_hold_every_byte_where_it_lies(int alignment)
    {
        var storages = PieceTests.Storages(alignment);
        var window = Piece.Windows(storages, int.MaxValue / 2).First();
        var slots = SlotPiece.Stretches(window, SlotBytes);

        slots.Should().AllSatisfy(slot =>
        {
            var start = slot[0].Piece.Position - slot[0].Position;
            (start % 4096).Should().Be(0);
            slot.Should().AllSatisfy(p =>
            {
                (p.Piece.Position - p.Position).Should().Be(start);
                (p.Piece.Offset % 64).Should().Be(0);
                (p.Position + p.Piece.Bytes).Should().BeLessThanOrEqualTo(SlotBytes);
            });
        });
        slots.Sum(s => s.Sum(p => (long)p.Piece.Bytes)).Should().Be(window.Sum(p => (long)p.Bytes));
        slots.SelectMany(s => s).Select(p => p.Piece.Position).Should().BeInAscendingOrder();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    public void A_window_that_leaves_a_block_for_each_slot_needs_no_slot_more(int alignment)
    {
        const int windowBytes = 4 * SlotBytes - 5 * 4096;

        Piece.Windows(PieceTests.Storages(alignment), windowBytes).Should().AllSatisfy(w => SlotPiece.Stretches(w, SlotBytes).Count.Should().BeLessThanOrEqualTo(4));
    }

    [Fact]
    public void What_nobody_wants_is_read_over_where_it_is_short_and_left_out_where_it_is_not()
    {
        List<Destination> storages = [PieceTests.At(10_000, 100), PieceTests.At(60_000, 100), PieceTests.At(200_000, 100)];

        var slots = SlotPiece.Stretches(Piece.Windows(storages, SlotBytes).Single(), SlotBytes);

        slots.Should().HaveCount(2);
        slots[0].Select(p => p.Position).Should().Equal(10_000 - 2 * 4096, 60_000 - 2 * 4096);
        slots[1].Select(p => p.Position).Should().Equal(200_000 - 48 * 4096);
    }

    [Fact]
    public void Two_views_of_the_same_bytes_are_both_there()
    {
        List<Destination> storages = [PieceTests.At(0, 3 * SlotBytes), PieceTests.At(100, 50)];

        var slots = SlotPiece.Stretches(Piece.Windows(storages, 4 * SlotBytes).Single(), SlotBytes);

        slots.Should().HaveCount(4);
        slots[^1].Should().ContainSingle().Which.Position.Should().Be(100);
    }

    [Fact]
    public void What_does_not_lie_in_the_file_as_it_is_in_memory_comes_apart()
    {
        var converted = new WeightStorage(new StorageEntry("f", 5000, 400), 0, 200, [], ConvertedFrom: DType.Float32);
        var deflated = new WeightStorage(new StorageEntry("f", 6000, 400, CompressedBytes: 100), 0, 400, []);

        var slots = SlotPiece.Stretches(Piece.Windows([new(converted, null!), new(deflated, null!), PieceTests.At(7000, 80)], SlotBytes).SelectMany(w => w).ToList(), SlotBytes);

        slots.Should().HaveCount(2);
        slots[0].Should().ContainSingle().Which.Position.Should().Be(7000 - 4096);
        slots[1].Select(p => p.Position).Should().Equal(0, 256);
    }
}
