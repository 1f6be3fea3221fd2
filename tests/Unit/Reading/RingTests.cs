using Loadline.Reading;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Reading;

public class RingTests
{
    [Theory]
    [InlineData(2, true, 1, 2)]
    [InlineData(7, true, 1, 7)]
    [InlineData(16, true, 2, 8)]
    [InlineData(64, true, 4, 16)]
    [InlineData(1000, true, 4, 250)]
    [InlineData(2, false, 1, 2)]
    [InlineData(5, false, 2, 2)]
    [InlineData(16, false, 2, 8)]
    [InlineData(64, false, 2, 32)]
    public void Slots_never_exceed_the_ring(long mebibytes, bool isCopiedLater, int slotMebibytes, int slots)
    {
        var engine = new NativeEngine();
        using var ring = new Ring(engine, mebibytes * ByteSize.MiB, isCopiedLater);

        (ring.SlotBytes, ring.Slots).Should().Be((slotMebibytes * (int)ByteSize.MiB, slots));
        engine.Host.PeakBytes.Should().Be(mebibytes * ByteSize.MiB);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void The_slot_that_is_lent_next_is_the_oldest_where_copies_may_still_run_and_else_the_one_in_the_cache(bool isCopiedLater, int next)
    {
        using var ring = new Ring(new NativeEngine(), 2 * ByteSize.MiB, isCopiedLater);
        int[] slots = [ring.Take(), ring.Take()];
        ring.Return(slots[1]);
        ring.Return(slots[0]);

        ring.Take().Should().Be(next);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_slot_that_was_never_lent_goes_before_one_that_was(bool isCopiedLater)
    {
        using var ring = new Ring(new NativeEngine(), 3 * ByteSize.MiB, (int)ByteSize.MiB, "ring", isCopiedLater);
        var lent = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            lent.Add(ring.Take());
            ring.Return(lent[^1]);
        }

        lent.Should().Equal(0, 1, 2);
        ring.Take().Should().Be(isCopiedLater ? 0 : 2);
    }

    [Fact]
    public void Slots_do_not_overlap()
    {
        using var ring = new Ring(new NativeEngine(), 4 * ByteSize.MiB, isCopiedLater: false);
        for (var slot = 0; slot < ring.Slots; slot++) ring.Take();
        for (var slot = 0; slot < ring.Slots; slot++) ring.Slot(slot, ring.SlotBytes).Fill((byte)(slot + 1));

        for (var slot = 0; slot < ring.Slots; slot++) ring.Slot(slot, ring.SlotBytes).ContainsAnyExcept((byte)(slot + 1)).Should().BeFalse();
    }
}
