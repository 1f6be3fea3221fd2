using System.Runtime.InteropServices;
using Loadline.Checkpoints;

namespace Loadline.Measuring;

/// <summary>The oracle of conversions: one element at a time, with nothing of the fast one's. PyTorch's results, as there.</summary>
internal static class NaiveConversion
{
    private const int BlockElements = 1024;

    /// <summary>Converts elements and hands the results out, in pieces of whole elements.</summary>
    /// <returns>Whether each that was finite is finite still: PyTorch makes infinity of what is too large, and a load refuses it.</returns>
    public static bool Convert(DType from, ReadOnlySpan<byte> elements, DType to, SpanReader read)
    {
        Span<float> values = stackalloc float[BlockElements];
        Span<float> again = stackalloc float[BlockElements];
        Span<byte> converted = stackalloc byte[BlockElements * sizeof(double)];
        var isFinite = true;
        while (!elements.IsEmpty)
        {
            var count = Math.Min(BlockElements, elements.Length / from.BytesPerElement);
            var block = elements[..(count * from.BytesPerElement)];
            Read(from, block, values);
            Write(values[..count], to, converted);
            Read(to, converted[..(count * to.BytesPerElement)], again);
            for (var i = 0; i < count; i++) isFinite &= float.IsFinite(again[i]) || !IsFinite(from, block, values, i);
            read(converted[..(count * to.BytesPerElement)]);
            elements = elements[block.Length..];
        }

        return isFinite;
    }

    // The only dtype that a float does not hold.
    private static bool IsFinite(DType dtype, ReadOnlySpan<byte> elements, ReadOnlySpan<float> values, int i) =>
        dtype == DType.Float64 ? double.IsFinite(MemoryMarshal.Cast<byte, double>(elements)[i]) : float.IsFinite(values[i]);

    private static void Read(DType dtype, ReadOnlySpan<byte> elements, Span<float> values)
    {
        if (dtype == DType.Float32) elements.CopyTo(MemoryMarshal.AsBytes(values));
        else if (dtype == DType.Float64) Each(MemoryMarshal.Cast<byte, double>(elements), values, value => (float)value);
        else if (dtype == DType.Float16) Each(MemoryMarshal.Cast<byte, Half>(elements), values, value => (float)value);
        else if (dtype == DType.BFloat16) Each(MemoryMarshal.Cast<byte, ushort>(elements), values, value => BitConverter.UInt32BitsToSingle((uint)value << 16));
        else Each(elements, values, value => Float8(dtype, value));
    }

    private static void Write(ReadOnlySpan<float> values, DType dtype, Span<byte> converted)
    {
        if (dtype == DType.Float32) MemoryMarshal.AsBytes(values).CopyTo(converted);
        else if (dtype == DType.Float64) Each(values, MemoryMarshal.Cast<byte, double>(converted), value => value);
        else if (dtype == DType.Float16) Each(values, MemoryMarshal.Cast<byte, ushort>(converted), Float16);
        else Each(values, MemoryMarshal.Cast<byte, ushort>(converted), BFloat16);
    }

    private static void Each<TFrom, TTo>(ReadOnlySpan<TFrom> source, Span<TTo> target, Func<TFrom, TTo> convert)
    {
        for (var i = 0; i < source.Length; i++) target[i] = convert(source[i]);
    }

    private static ushort Float16(float value) => float.IsNaN(value) ? (ushort)(float.IsNegative(value) ? 0xfe00 : 0x7e00) : BitConverter.HalfToUInt16Bits((Half)value);

    private static ushort BFloat16(float value)
    {
        if (float.IsNaN(value)) return 0x7fc0;
        var bits = BitConverter.SingleToUInt32Bits(value);
        var (kept, rest) = (bits / 0x10000, bits % 0x10000);
        return (ushort)(rest > 0x8000 || (rest == 0x8000 && kept % 2 == 1) ? kept + 1 : kept);
    }

    private static float Float8(DType dtype, byte bits) => dtype.Name switch
    {
        "float8_e5m2" => (float)BitConverter.UInt16BitsToHalf((ushort)(bits << 8)),
        "float8_e4m3fn" when (bits & 0x7f) == 0x7f => BitConverter.UInt32BitsToSingle(bits == 0x7f ? 0x7ff00000 : 0xfff00000),
        "float8_e4m3fn" => Float8(bits, mantissaBits: 3, bias: 7),
        "float8_e4m3fnuz" => bits == 0x80 ? float.NaN : Float8(bits, mantissaBits: 3, bias: 8),
        "float8_e5m2fnuz" => bits == 0x80 ? float.NaN : Float8(bits, mantissaBits: 2, bias: 16),
        "float8_e8m0fnu" => bits == 0xff ? float.NaN : (float)Math.Pow(2, bits - 127),
        _ => throw new ArgumentException($"{dtype} is not converted"),
    };

    private static float Float8(int bits, int mantissaBits, int bias)
    {
        var places = 1 << mantissaBits;
        var (exponent, fraction) = ((bits & 0x7f) / places, (double)(bits % places) / places);
        var magnitude = exponent == 0 ? fraction * Math.Pow(2, 1 - bias) : (1 + fraction) * Math.Pow(2, exponent - bias);
        return (float)(bits < 0x80 ? magnitude : -magnitude);
    }
}
