using System.Text;
using Loadline.Checkpoints.Zip;

namespace Loadline.Unit.Checkpoints.Zip;

public sealed class Crc32Tests
{
    [Fact]
    public void The_check_value_of_the_standard_is_met() => Crc32.Append(0, "123456789"u8).Should().Be(0xcbf43926);

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(143)]
    [InlineData(191)]
    [InlineData(10_007)]
    public void Every_length_and_alignment_agrees_with_one_bit_at_a_time(int length)
    {
        var bytes = new byte[length + 3];
        new Random(length).NextBytes(bytes);
        for (var start = 0; start < 3; start++) Crc32.Append(0x12345678, bytes.AsSpan(start, length)).Should().Be(BitByBit(0x12345678, bytes.AsSpan(start, length)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(100_003)]
    public void Zeros_count_without_being_read(int count)
    {
        var crc = Crc32.Append(0, Encoding.ASCII.GetBytes("before"));
        Crc32.AppendZeros(crc, count).Should().Be(BitByBit(crc, new byte[count]));
    }

    [Fact]
    public void More_zeros_than_memory_has_are_the_sum_of_their_parts() =>
        Crc32.AppendZeros(1, 5L << 40).Should().Be(Crc32.AppendZeros(Crc32.AppendZeros(1, (2L << 40) + 1), (3L << 40) - 1));

    private static uint BitByBit(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
        }

        return ~crc;
    }
}
