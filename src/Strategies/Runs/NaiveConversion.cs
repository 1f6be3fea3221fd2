using System.Buffers.Binary;
using Loadline.Checkpoints;

namespace Loadline.Strategies.Runs;

/// <summary>The oracle of conversions: one element at a time, with nothing of the fast one's. PyTorch's results, as there.</summary>
internal static class NaiveConversion
{
    /// <summary>Converts one element.</summary>
    public static void Convert(DType from, ReadOnlySpan<byte> element, DType to, Span<byte> converted)
    {
        if (from == DType.Float64 && to == DType.Float64) element.CopyTo(converted);
        else Write(Read(from, element), to, converted);
    }

    private static float Read(DType dtype, ReadOnlySpan<byte> element) => dtype.Name switch
    {
        "float64" => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
        "float32" => BinaryPrimitives.ReadSingleLittleEndian(element),
        "float16" => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
        "bfloat16" => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
        "float8_e5m2" => (float)BitConverter.UInt16BitsToHalf((ushort)(element[0] << 8)),
        "float8_e4m3fn" when (element[0] & 0x7f) == 0x7f => BitConverter.Int32BitsToSingle(element[0] == 0x7f ? 0x7ff00000 : unchecked((int)0xfff00000)),
        "float8_e4m3fn" => ReadFloat8(element[0], mantissaBits: 3, bias: 7),
        "float8_e4m3fnuz" => element[0] == 0x80 ? float.NaN : ReadFloat8(element[0], mantissaBits: 3, bias: 8),
        "float8_e5m2fnuz" => element[0] == 0x80 ? float.NaN : ReadFloat8(element[0], mantissaBits: 2, bias: 16),
        "float8_e8m0fnu" => element[0] == 0xff ? float.NaN : (float)Math.Pow(2, element[0] - 127),
        _ => throw new ArgumentException($"{dtype} is not converted"),
    };

    private static float ReadFloat8(int bits, int mantissaBits, int bias)
    {
        var places = 1 << mantissaBits;
        var (exponent, fraction) = ((bits & 0x7f) / places, (double)(bits % places) / places);
        var magnitude = exponent == 0 ? fraction * Math.Pow(2, 1 - bias) : (1 + fraction) * Math.Pow(2, exponent - bias);
        return (float)(bits < 0x80 ? magnitude : -magnitude);
    }

    private static void Write(float value, DType dtype, Span<byte> converted)
    {
        if (dtype == DType.Float64) BinaryPrimitives.WriteDoubleLittleEndian(converted, value);
        else if (dtype == DType.Float32) BinaryPrimitives.WriteSingleLittleEndian(converted, value);
        else if (dtype == DType.Float16) BinaryPrimitives.WriteUInt16LittleEndian(converted, Float16(value));
        else BinaryPrimitives.WriteUInt16LittleEndian(converted, BFloat16(value));
    }

    private static ushort Float16(float value) => float.IsNaN(value) ? (ushort)(float.IsNegative(value) ? 0xfe00 : 0x7e00) : BitConverter.HalfToUInt16Bits((Half)value);

    private static ushort BFloat16(float value)
    {
        if (float.IsNaN(value)) return 0x7fc0;
        var (kept, rest) = Math.DivRem(BitConverter.SingleToUInt32Bits(value), 0x10000u);
        return (ushort)(rest > 0x8000 || (rest == 0x8000 && kept % 2 == 1) ? kept + 1 : kept);
    }
}
