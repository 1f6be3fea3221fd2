using Loadline.Tensors.Memory;

namespace Loadline.Unit.Tensors.Memory;

public class BlockChecksumsTests
{
    private static readonly byte[] Bytes = RandomBytes(3 * BlockChecksum.BlockBytes + 12_345);

    [Fact]
    public void Pieces_in_any_order_give_the_sum_of_the_whole()
    {
        var whole = Sums(Bytes);
        var pieces = new BlockChecksums(Bytes.Length);
        int[] cuts = [0, 8, 4096, BlockChecksum.BlockBytes - 8, BlockChecksum.BlockBytes + 8, 2 * BlockChecksum.BlockBytes, Bytes.Length];
        foreach (var i in (int[])[3, 0, 5, 1, 4, 2]) pieces.Add(cuts[i], Bytes.AsSpan(cuts[i]..cuts[i + 1]));

        pieces.IsComplete.Should().BeTrue();
        pieces.FirstDifference(whole).Should().BeNull();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(BlockChecksum.BlockBytes - 1)]
    [InlineData(2 * BlockChecksum.BlockBytes + 77)]
    [InlineData(3 * BlockChecksum.BlockBytes + 12_344)]
    public void A_changed_bit_shows_in_its_block(int position)
    {
        for (var bit = 0; bit < 8; bit++)
        {
            var changed = (byte[])Bytes.Clone();
            changed[position] ^= (byte)(1 << bit);
            Sums(changed).FirstDifference(Sums(Bytes)).Should().Be(position / BlockChecksum.BlockBytes * BlockChecksum.BlockBytes);
        }
    }

    [Fact]
    public void Words_that_swap_places_show()
    {
        var swapped = (byte[])Bytes.Clone();
        Bytes.AsSpan(64, 8).CopyTo(swapped.AsSpan(128));
        Bytes.AsSpan(128, 8).CopyTo(swapped.AsSpan(64));

        Sums(swapped).FirstDifference(Sums(Bytes)).Should().Be(0);
    }

    [Fact]
    public void A_tensor_that_was_not_filled_is_not_complete()
    {
        var sums = new BlockChecksums(100);
        sums.Add(0, Bytes.AsSpan(0, 96));

        sums.IsComplete.Should().BeFalse();
    }

    [Fact]
    public void A_piece_that_starts_inside_a_word_or_passes_the_end_is_refused()
    {
        var sums = new BlockChecksums(100);

        ((Action)(() => sums.Add(4, Bytes.AsSpan(0, 8)))).Should().Throw<ArgumentException>().WithMessage("*byte 4, not at a multiple of 8*");
        ((Action)(() => sums.Add(96, Bytes.AsSpan(0, 8)))).Should().Throw<ArgumentOutOfRangeException>();
    }

    private static BlockChecksums Sums(byte[] bytes)
    {
        var sums = new BlockChecksums(bytes.Length);
        sums.Add(0, bytes);
        return sums;
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
