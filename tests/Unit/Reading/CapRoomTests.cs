using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Reading;

public class CapRoomTests
{
    private const long Weights = 1646 * ByteSize.MiB;

    private static readonly ReadPolicy Careful = default;
    private static readonly ReadPolicy Ahead = new(ReadsAhead: true, DropsBehind: false);

    [Theory]
    [InlineData(4096, 1646, "room for the weights and their pages")]
    [InlineData(8192, 0, "onto an accelerator")]
    public void With_room_for_all_pages_the_kernel_reads_ahead_and_keeps_them(long freeMiB, long hostMiB, string why) =>
        new CapRoom(freeMiB * ByteSize.MiB).PolicyFor(hostMiB * ByteSize.MiB, Weights, () => false).Should().Be(Ahead, why);

    [Fact]
    public void What_is_not_cached_is_read_past_the_cache_with_room_as_well() =>
        new CapRoom(4096 * ByteSize.MiB).PolicyFor(1646 * ByteSize.MiB, Weights, () => true).Should().Be(Ahead with { ReadsDirect = true });

    [Fact]
    public void Pages_that_would_not_all_fit_are_passed_by_or_dropped_behind() =>
        new CapRoom(56 * ByteSize.MiB).PolicyFor(16 * ByteSize.MiB, Weights, () => true).Should().Be(new ReadPolicy(ReadsAhead: true, DropsBehind: true, ReadsDirect: true));

    [Fact]
    public void Pages_that_were_cached_before_are_left_to_whoever_wanted_them() =>
        new CapRoom(56 * ByteSize.MiB).PolicyFor(16 * ByteSize.MiB, Weights, () => false).Should().Be(Ahead);

    [Theory]
    [InlineData(74L, 64L)]
    [InlineData(1024L, 3292L)]
    [InlineData(null, 0L)]
    public void Without_room_or_where_nobody_knows_of_any_reads_are_small(long? freeMiB, long hostMiB)
    {
        var room = new CapRoom(freeMiB * ByteSize.MiB);

        room.PolicyFor(hostMiB * ByteSize.MiB, Weights, () => false).Should().Be(Careful);
        room.PolicyFor(hostMiB * ByteSize.MiB, Weights, () => true).Should().Be(Careful with { ReadsDirect = true });
    }

    [Theory]
    [InlineData(ReadMode.Auto, false)]
    [InlineData(ReadMode.Cached, false)]
    [InlineData(ReadMode.Direct, true)]
    public void Who_asks_for_direct_reads_gets_them_with_room_as_well(ReadMode mode, bool isDirect)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        new CapRoom(8 * ByteSize.GiB).PolicyFor(checkpoint, 0, mode).Should().Be(Ahead with { ReadsDirect = isDirect });
    }

    [Fact]
    public void Who_asks_for_cached_reads_gets_them_without_room_as_well()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        new CapRoom(null).PolicyFor(checkpoint, 0, ReadMode.Cached).ReadsDirect.Should().BeFalse();
    }

    [Theory]
    [InlineData(1852L, true, "Sequential")]
    [InlineData(1852L, false, "None")]
    [InlineData(1851L, true, "HugePages")]
    [InlineData(9000L, true, "Sequential")]
    [InlineData(null, false, "HugePages")]
    public void Pages_of_mapped_weights_come_in_by_the_room_that_they_have(long? freeMiB, bool isLent, string advice) =>
        new CapRoom(freeMiB * ByteSize.MiB).AdviceFor(0, Weights, () => isLent).ToString().Should().Be(advice);

    [Fact]
    public void A_load_that_only_maps_asks_for_nothing()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        using var model = Loader.Load(checkpoint, new LoadOptions { Strategy = "mmap-assign" }, new NativeEngine());

        checkpoint.ReadPolicy.Should().Be(Careful);
    }

    [Fact]
    public void A_load_that_reads_reads_ahead_on_a_machine_with_room()
    {
        if (MemoryLimit.Free() < 2 * CapRoom.ReadAheadBytes) Assert.Skip("this machine has no room");
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        using var model = Loader.Load(checkpoint, new LoadOptions { Strategy = "streamed" }, new NativeEngine());

        checkpoint.ReadPolicy.Should().Be(Ahead);
    }
}
