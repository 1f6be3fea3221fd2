using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;

namespace Loadline.Unit.Checkpoints.Conversion;

/// <summary>The bit patterns on the right are what PyTorch 2.6 gave on the CPU.</summary>
public sealed class DTypeConversionTests
{
    [Theory]
    [InlineData("float32", "3f800000", "bfloat16", "3f80")]
    [InlineData("float32", "3f808000", "bfloat16", "3f80")] // a tie, to even: down
    [InlineData("float32", "3f818000", "bfloat16", "3f82")] // a tie, to even: up
    [InlineData("float32", "3f808001", "bfloat16", "3f81")]
    [InlineData("float32", "7f7fffff", "bfloat16", "7f80")] // the largest float32 is too large
    [InlineData("float32", "7f7f7fff", "bfloat16", "7f7f")]
    [InlineData("float32", "00008000", "bfloat16", "0000")]
    [InlineData("float32", "00008001", "bfloat16", "0001")]
    [InlineData("float32", "80000000", "bfloat16", "8000")]
    [InlineData("float32", "ffffffff", "bfloat16", "7fc0")]
    [InlineData("float32", "7f800001", "bfloat16", "7fc0")]
    [InlineData("float32", "ff800000", "bfloat16", "ff80")]
    [InlineData("float32", "477fe000", "float16", "7bff")] // 65504, the largest
    [InlineData("float32", "477fefff", "float16", "7bff")]
    [InlineData("float32", "477ff000", "float16", "7c00")] // 65520 is nearer to what would come next
    [InlineData("float32", "38800000", "float16", "0400")] // the smallest normal number
    [InlineData("float32", "387fffff", "float16", "0400")]
    [InlineData("float32", "33800000", "float16", "0001")] // the smallest of all
    [InlineData("float32", "33000000", "float16", "0000")] // half of it: a tie
    [InlineData("float32", "33000001", "float16", "0001")]
    [InlineData("float32", "b3c00000", "float16", "8002")] // one and a half of it: a tie, to even
    [InlineData("float32", "3f801000", "float16", "3c00")]
    [InlineData("float32", "3f803000", "float16", "3c02")]
    [InlineData("float32", "ffc12345", "float16", "fe00")]
    [InlineData("float16", "7c01", "float32", "7fc02000")] // a signalling NaN becomes a quiet one and keeps the rest
    [InlineData("float16", "ffff", "float32", "ffffe000")]
    [InlineData("float16", "0001", "float32", "33800000")]
    [InlineData("float16", "03ff", "float32", "387fc000")]
    [InlineData("float16", "fc00", "float32", "ff800000")]
    [InlineData("float16", "8000", "float64", "8000000000000000")]
    [InlineData("float16", "3555", "bfloat16", "3eab")]
    [InlineData("bfloat16", "7f81", "float32", "7f810000")]
    [InlineData("bfloat16", "4780", "float16", "7c00")]
    [InlineData("float64", "3ff0000000000000", "float32", "3f800000")]
    [InlineData("float64", "3ff0000010000000", "float32", "3f800000")] // a tie
    [InlineData("float64", "3ff0000010000001", "float32", "3f800001")]
    [InlineData("float64", "3ff0020000000001", "float16", "3c00")] // above the tie, but not any more in the float32 between
    [InlineData("float8_e4m3fn", "7e", "float32", "43e00000")] // 448, the largest
    [InlineData("float8_e4m3fn", "ff", "float32", "fff00000")]
    [InlineData("float8_e4m3fn", "01", "float16", "1800")]
    [InlineData("float8_e5m2", "7c", "bfloat16", "7f80")]
    [InlineData("float8_e5m2", "81", "float32", "b7800000")]
    [InlineData("float8_e4m3fnuz", "7f", "float32", "43700000")] // 240
    [InlineData("float8_e5m2fnuz", "01", "float64", "3ee0000000000000")]
    public void A_pattern_becomes_the_one_that_PyTorch_makes_of_it(string from, string source, string to, string expected)
    {
        // Alone, and at every place of a vector and of what is left behind one.
        for (var count = 1; count <= 37; count += 4)
        {
            var converted = Convert(from, Enumerable.Repeat(Bytes(source), count).SelectMany(b => b).ToArray(), to);
            converted.Should().Equal(Enumerable.Repeat(Bytes(expected), count).SelectMany(b => b));
        }
    }

    [Fact]
    public void Every_float16_is_widened_and_narrowed_as_the_processor_does_it()
    {
        var all = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        var wide = Convert<ushort, float>(DType.Float16, all, DType.Float32);
        var back = Convert<float, ushort>(DType.Float32, wide, DType.Float16);

        for (var i = 0; i < all.Length; i++)
        {
            var value = (float)BitConverter.UInt16BitsToHalf(all[i]);
            if (float.IsNaN(value)) float.IsNaN(wide[i]).Should().BeTrue();
            else (BitConverter.SingleToUInt32Bits(wide[i]), back[i]).Should().Be((BitConverter.SingleToUInt32Bits(value), all[i]));
        }
    }

    [Fact]
    public void Every_bfloat16_comes_back_from_a_wider_dtype()
    {
        var all = Enumerable.Range(0, 65536).Select(i => (ushort)i).Where(i => (i & 0x7fff) <= 0x7f80).ToArray();

        Convert<float, ushort>(DType.Float32, Convert<ushort, float>(DType.BFloat16, all, DType.Float32), DType.BFloat16).Should().Equal(all);
        Convert<double, ushort>(DType.Float64, Convert<ushort, double>(DType.BFloat16, all, DType.Float64), DType.BFloat16).Should().Equal(all);
    }

    [Fact]
    public void Float32_is_rounded_as_one_element_at_a_time_would_be()
    {
        var random = new Random(3);
        var bits = new uint[1 << 18];
        random.NextBytes(MemoryMarshal.AsBytes(bits.AsSpan()));
        // Half of them at a tie of float16 or bfloat16, or one beside it.
        for (var i = 0; i < bits.Length / 2; i++)
        {
            var place = i % 2 == 0 ? 12 : 15;
            bits[i] = (uint)((bits[i] >> (place + 1) << (place + 1)) + (1 << place) + (i / 2 % 3) - 1);
        }

        var values = MemoryMarshal.Cast<uint, float>(bits).ToArray();
        var halves = Convert<float, ushort>(DType.Float32, values, DType.Float16);
        var brains = Convert<float, ushort>(DType.Float32, values, DType.BFloat16);

        for (var i = 0; i < values.Length; i++)
        {
            if (float.IsNaN(values[i])) continue;
            halves[i].Should().Be(BitConverter.HalfToUInt16Bits((Half)values[i]));
            brains[i].Should().Be(NearestBFloat16(bits[i]));
        }
    }

    [Theory]
    [InlineData("float32", "3f800000 7f800000 c7800000 7fc00000", "float16", 2)] // infinity and NaN were there before
    [InlineData("float32", "3f800000 7f800000 c77fe000", "float16", -1)]
    [InlineData("float32", "7f7fffff", "bfloat16", 0)]
    [InlineData("float64", "0000000000000000 47f0000000000000", "float32", 1)]
    [InlineData("float64", "7fefffffffffffff", "bfloat16", 0)]
    [InlineData("bfloat16", "0000 7f7f", "float16", 1)]
    [InlineData("float32", "7f7fffff", "float64", -1)]
    [InlineData("float8_e8m0fnu", "7f ff fe", "float16", 2)]
    public void The_first_finite_value_that_becomes_infinite_is_told(string from, string source, string to, int index)
    {
        var bytes = source.Split(' ').SelectMany(Bytes).ToArray();
        DType.TryParse(from, out var sourceType);
        DType.TryParse(to, out var targetType);

        DTypeConversion.Convert(sourceType!, bytes, targetType!, new byte[bytes.Length / sourceType!.BytesPerElement * targetType!.BytesPerElement])
            .Should().Be(index);
    }

    [Fact]
    public void An_overflow_far_behind_is_found_at_its_place()
    {
        var values = new float[5000];
        values[4711] = 1e9f;

        DTypeConversion.Convert(DType.Float32, MemoryMarshal.AsBytes(values.AsSpan()), DType.Float16, new byte[10000]).Should().Be(4711);
    }

    [Fact]
    public void Integers_and_narrowing_to_float8_are_no_conversions()
    {
        DTypeConversion.CanConvert(DType.Float32, DType.Float8E4M3FN).Should().BeFalse();
        DTypeConversion.CanConvert(DType.Int8, DType.Float32).Should().BeFalse();
        DTypeConversion.CanConvert(DType.Float4, DType.Float32).Should().BeFalse();
        FluentActions.Invoking(() => DTypeConversion.Convert(DType.Int8, [1], DType.Float32, new byte[4])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => DTypeConversion.Convert(DType.Float32, new byte[4], DType.Float16, new byte[4])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => DTypeConversion.Convert(DType.Float32, new byte[5], DType.Float16, new byte[2])).Should().Throw<ArgumentException>();
    }

    // Of the two neighbours the nearer one, and of two equally near ones the even one.
    private static ushort NearestBFloat16(uint bits)
    {
        var below = (ushort)(bits >> 16);
        var rest = bits & 0xffff;
        return rest > 0x8000 || (rest == 0x8000 && below % 2 == 1) ? (ushort)(below + 1) : below;
    }

    private static byte[] Convert(string from, byte[] source, string to)
    {
        DType.TryParse(from, out var sourceType);
        DType.TryParse(to, out var targetType);
        var target = new byte[source.Length / sourceType!.BytesPerElement * targetType!.BytesPerElement];
        DTypeConversion.Convert(sourceType, source, targetType, target);
        return target;
    }

    private static TTo[] Convert<TFrom, TTo>(DType from, TFrom[] source, DType to)
        where TFrom : struct
        where TTo : struct
    {
        var target = new TTo[source.Length];
        DTypeConversion.Convert(from, MemoryMarshal.AsBytes(source.AsSpan()), to, MemoryMarshal.AsBytes(target.AsSpan()));
        return target;
    }

    // Numbers are written highest byte first, and lie in files lowest byte first.
    private static byte[] Bytes(string number) => [.. System.Convert.FromHexString(number).Reverse()];
}
