using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Loadline.Checkpoints.Conversion;

/// <summary>
/// Converts elements between floating-point dtypes, rounding to nearest, ties to even. The results are those of PyTorch 2.6's <c>Tensor.to</c> on the
/// CPU, bit for bit, but for NaNs: a NaN stays a NaN, whose sign and other bits may not be PyTorch's.
/// </summary>
/// <remarks>
/// Everything goes through float32, which holds every value of the narrower dtypes exactly. Only float64 to a 16-bit dtype is so rounded twice; that,
/// too, is what PyTorch does. float8 is widened only: narrowing to it takes scales, which no conversion of single elements can choose.
/// </remarks>
public static class DTypeConversion
{
    // Small enough for the stack and the first-level cache.
    private const int BlockElements = 1024;

    // Half as far costs a seventh more time, twice as far a twentieth.
    private const int PrefetchBytes = 2048;

    private static readonly Dictionary<DType, float[]> Float8Values = new()
    {
        [DType.Float8E4M3FN] = Float8Table(b => (b & 0x7f) == 0x7f ? BitConverter.UInt32BitsToSingle(0x7ff00000u | (uint)(b & 0x80) << 24) : Decode(b, mantissaBits: 3, bias: 7)),
        [DType.Float8E4M3FNUZ] = Float8Table(b => b == 0x80 ? float.NaN : Decode(b, mantissaBits: 3, bias: 8)),
        [DType.Float8E5M2] = Float8Table(b => (float)BitConverter.UInt16BitsToHalf((ushort)(b << 8))),
        [DType.Float8E5M2FNUZ] = Float8Table(b => b == 0x80 ? float.NaN : Decode(b, mantissaBits: 2, bias: 16)),
        [DType.Float8E8M0FNU] = Float8Table(b => b == 0xff ? float.NaN : MathF.ScaleB(1, b - 127)),
    };

    /// <summary>What can be converted to.</summary>
    public static IReadOnlyList<DType> Targets { get; } = [DType.Float32, DType.Float16, DType.BFloat16, DType.Float64];

    /// <summary>Whether there is a conversion: between the targets, and from float8 to them.</summary>
    public static bool CanConvert(DType from, DType to) => Targets.Contains(to) && (Targets.Contains(from) || Float8Values.ContainsKey(from));

    /// <summary>Converts all elements of <paramref name="source"/>.</summary>
    /// <returns>The index of the first finite element that is infinite in the target, because it is too large for it; -1 if there is none.</returns>
    /// <exception cref="ArgumentException">There is no such conversion, or the buffers do not hold the same number of whole elements.</exception>
    public static int Convert(DType from, ReadOnlySpan<byte> source, DType to, Span<byte> destination)
    {
        if (!CanConvert(from, to)) throw new ArgumentException($"there is no conversion from {from} to {to}");
        var (count, rest) = Math.DivRem(source.Length, from.BytesPerElement);
        if (rest != 0 || destination.Length != (long)count * to.BytesPerElement)
        {
            throw new ArgumentException($"{source.Length} bytes of {from} and {destination.Length} bytes of {to} are not the same number of elements");
        }

        var overflow = -1;
        Span<float> between = stackalloc float[BlockElements];
        for (var start = 0; start < count; start += BlockElements)
        {
            var length = Math.Min(BlockElements, count - start);
            var block = source.Slice(start * from.BytesPerElement, length * from.BytesPerElement);
            var result = destination.Slice(start * to.BytesPerElement, length * to.BytesPerElement);
            var mayOverflow = ConvertBlock(from, block, to, result, between[..length]);
            if (mayOverflow && overflow < 0 && FindOverflow(from, block, to, result) is >= 0 and var index) overflow = start + index;
        }

        return overflow;
    }

    /// <summary>Returns whether any of the results may be infinite.</summary>
    private static bool ConvertBlock(DType from, ReadOnlySpan<byte> source, DType to, Span<byte> destination, Span<float> between)
    {
        if (from == to)
        {
            source.CopyTo(destination);
            return false;
        }

        if (from == DType.Float32) return FromSingle(MemoryMarshal.Cast<byte, float>(source), to, destination);
        if (to == DType.Float32)
        {
            ToSingle(from, source, MemoryMarshal.Cast<byte, float>(destination));
            // Nothing is too large for it but a float64.
            return from == DType.Float64;
        }

        ToSingle(from, source, between);
        return FromSingle(between, to, destination);
    }

    private static void ToSingle(DType from, ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (from == DType.Float16) Widen<Float16>(MemoryMarshal.Cast<byte, ushort>(source), destination);
        else if (from == DType.BFloat16) Widen<BFloat16>(MemoryMarshal.Cast<byte, ushort>(source), destination);
        else if (from == DType.Float64) Narrow(MemoryMarshal.Cast<byte, double>(source), destination);
        else LookUp(Float8Values[from], source, destination);
    }

    private static bool FromSingle(ReadOnlySpan<float> source, DType to, Span<byte> destination)
    {
        if (to == DType.Float16) return Narrow<Float16>(source, MemoryMarshal.Cast<byte, ushort>(destination));
        if (to == DType.BFloat16) return Narrow<BFloat16>(source, MemoryMarshal.Cast<byte, ushort>(destination));
        Widen(source, MemoryMarshal.Cast<byte, double>(destination));
        return false;
    }

    private static void Widen<T>(ReadOnlySpan<ushort> source, Span<float> destination)
        where T : IFloat16Bits
    {
        var i = 0;
        for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            var (lower, upper) = Vector256.Widen(Vector256.Create(source[i..]));
            T.ToSingle(lower).CopyTo(destination[i..]);
            T.ToSingle(upper).CopyTo(destination[(i + Vector256<float>.Count)..]);
        }

        if (i == source.Length) return;
        // What is left goes through a whole vector as well, so that no element is converted in another way.
        Span<ushort> rest = stackalloc ushort[Vector256<ushort>.Count];
        Span<float> wide = stackalloc float[Vector256<ushort>.Count];
        source[i..].CopyTo(rest);
        Widen<T>(rest, wide);
        wide[..(source.Length - i)].CopyTo(destination[i..]);
    }

    /// <summary>Returns whether any of the results is infinite: looked for here, because to read all of them again takes as long as to convert them.</summary>
    private static bool Narrow<T>(ReadOnlySpan<float> source, Span<ushort> destination)
        where T : IFloat16Bits
    {
        var i = 0;
        var infinities = Vector256<ushort>.Zero;
        for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Prefetch(source[i..]);
            var lower = T.FromSingle(Vector256.Create(source[i..]));
            var upper = T.FromSingle(Vector256.Create(source[(i + Vector256<float>.Count)..]));
            var narrowed = Vector256.Narrow(lower, upper);
            infinities |= Vector256.Equals(narrowed & Vector256.Create((ushort)0x7fff), Vector256.Create(T.Infinity));
            narrowed.CopyTo(destination[i..]);
        }

        var isAnyInfinite = infinities != Vector256<ushort>.Zero;
        if (i == source.Length) return isAnyInfinite;
        Span<float> rest = stackalloc float[Vector256<ushort>.Count];
        Span<ushort> narrow = stackalloc ushort[Vector256<ushort>.Count];
        source[i..].CopyTo(rest);
        isAnyInfinite |= Narrow<T>(rest, narrow);
        narrow[..(source.Length - i)].CopyTo(destination[i..]);
        return isAnyInfinite;
    }

    /// <summary>
    /// Has the processor fetch what will be converted next: by itself it does not look beyond the end of a page of 4 KiB, and waits at each. Where elements get
    /// wider it waits for what it stores, and gains nothing.
    /// </summary>
    private static unsafe void Prefetch(ReadOnlySpan<float> source)
    {
        if (!Sse.IsSupported) return;
        // SAFETY: a prefetch is a hint. It reads nothing that the program sees, and does not fault wherever it points: behind the span, too.
        fixed (float* start = source) Sse.Prefetch0((byte*)start + PrefetchBytes);
    }

    private static void Widen(ReadOnlySpan<float> source, Span<double> destination)
    {
        for (var i = 0; i < source.Length; i++) destination[i] = source[i];
    }

    private static void Narrow(ReadOnlySpan<double> source, Span<float> destination)
    {
        for (var i = 0; i < source.Length; i++) destination[i] = (float)source[i];
    }

    private static void LookUp(float[] values, ReadOnlySpan<byte> source, Span<float> destination)
    {
        for (var i = 0; i < source.Length; i++) destination[i] = values[source[i]];
    }

    private static float[] Float8Table(Func<int, float> decode) => [.. Enumerable.Range(0, 256).Select(decode)];

    // These formats have no infinity: the highest exponent is one like the others.
    private static float Decode(int bits, int mantissaBits, int bias)
    {
        var exponent = (bits & 0x7f) >> mantissaBits;
        var mantissa = bits & ((1 << mantissaBits) - 1);
        var value = exponent == 0
            ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
            : MathF.ScaleB(mantissa | (1 << mantissaBits), exponent - bias - mantissaBits);
        return bits >= 0x80 ? -value : value;
    }

    internal static int FindOverflow(DType from, ReadOnlySpan<byte> source, DType to, ReadOnlySpan<byte> destination)
    {
        for (var i = 0; ; i++)
        {
            var next = IndexOfInfinity(to, destination[(i * to.BytesPerElement)..]);
            if (next < 0) return -1;
            i += next;
            if (IsFinite(from, source[(i * from.BytesPerElement)..])) return i;
        }
    }

    // Of the first element; a mask has millions of infinities, of which each is asked.
    private static bool IsFinite(DType dtype, ReadOnlySpan<byte> bytes)
    {
        if (dtype == DType.Float32) return float.IsFinite(MemoryMarshal.Read<float>(bytes));
        if (dtype == DType.Float64) return double.IsFinite(MemoryMarshal.Read<double>(bytes));
        if (dtype == DType.Float16) return Half.IsFinite(MemoryMarshal.Read<Half>(bytes));
        if (dtype == DType.BFloat16) return (MemoryMarshal.Read<ushort>(bytes) & BFloat16.Infinity) != BFloat16.Infinity;
        return float.IsFinite(Float8Values[dtype][bytes[0]]);
    }

    private static int IndexOfInfinity(DType dtype, ReadOnlySpan<byte> bytes)
    {
        if (dtype == DType.Float32) return MemoryMarshal.Cast<byte, uint>(bytes).IndexOfAny(0x7f800000u, 0xff800000u);
        var halves = MemoryMarshal.Cast<byte, ushort>(bytes);
        return dtype == DType.Float16 ? halves.IndexOfAny((ushort)0x7c00, (ushort)0xfc00) : halves.IndexOfAny((ushort)0x7f80, (ushort)0xff80);
    }

    /// <summary>One element as a number.</summary>
    internal static double ValueOf(DType dtype, ReadOnlySpan<byte> element)
    {
        Span<byte> value = stackalloc byte[sizeof(double)];
        Convert(dtype, element, DType.Float64, value);
        return MemoryMarshal.Read<double>(value);
    }

    /// <summary>A 16-bit format's conversions, on the bits of eight elements in 32-bit lanes.</summary>
    private interface IFloat16Bits
    {
        static abstract ushort Infinity { get; }

        static abstract Vector256<float> ToSingle(Vector256<uint> bits);

        static abstract Vector256<uint> FromSingle(Vector256<float> values);
    }

    private readonly struct BFloat16 : IFloat16Bits
    {
        public static ushort Infinity => 0x7f80;

        public static Vector256<float> ToSingle(Vector256<uint> bits) => (bits << 16).AsSingle();

        // Adding just under half of the last place, and one more where that place is odd, carries exactly when the value is to be rounded up.
        public static Vector256<uint> FromSingle(Vector256<float> values)
        {
            var bits = values.AsUInt32();
            var odd = (bits >> 16) & Vector256<uint>.One;
            var rounded = (bits + odd + Vector256.Create(0x7fffu)) >> 16;
            return Vector256.ConditionalSelect(Vector256.IsNaN(values).AsUInt32(), Vector256.Create(0x7fc0u), rounded);
        }
    }

    private readonly struct Float16 : IFloat16Bits
    {
        private const uint InfinityOfSingle = 255u << 23;
        private const uint QuietNaNOfSingle = 0x400000;

        // Between a float32's exponent and a float16's of the same value.
        private const uint Rebias = (127 - 15) << 23;

        // 2^-14, the smallest normal float16; and 0.5, in which the last place is the last place of a subnormal float16.
        private const uint SmallestNormal = (127 - 14) << 23;
        private const uint SubnormalPlace = 126u << 23;

        public static ushort Infinity => 0x7c00;

        public static Vector256<float> ToSingle(Vector256<uint> bits)
        {
            var shifted = (bits & Vector256.Create(0x7fffu)) << 13;
            var exponent = shifted & Vector256.Create(0x7c00u << 13);
            var normal = shifted + Vector256.Create(Rebias);
            // A subnormal has no leading one: give it one by the exponent, and take it away as a number.
            var subnormal = (normal + Vector256.Create(1u << 23)).AsSingle() - Vector256.Create(SmallestNormal).AsSingle();
            var special = shifted | Vector256.Create(InfinityOfSingle);
            special |= Vector256.GreaterThan(special, Vector256.Create(InfinityOfSingle)) & Vector256.Create(QuietNaNOfSingle);

            var magnitude = Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256<uint>.Zero), subnormal.AsUInt32(), normal);
            magnitude = Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256.Create(0x7c00u << 13)), special, magnitude);
            return (magnitude | ((bits & Vector256.Create(0x8000u)) << 16)).AsSingle();
        }

        public static Vector256<uint> FromSingle(Vector256<float> values)
        {
            var bits = values.AsUInt32();
            var sign = (bits & Vector256.Create(0x80000000u)) >> 16;
            var magnitude = bits & Vector256.Create(0x7fffffffu);
            // As for bfloat16; what is rounded up past the largest number becomes infinity by the same carry.
            var odd = (magnitude >> 13) & Vector256<uint>.One;
            var normal = (magnitude - Vector256.Create(Rebias) + odd + Vector256.Create(0xfffu)) >> 13;
            // The processor rounds when the number is added to one whose last place is a subnormal's.
            var place = Vector256.Create(SubnormalPlace);
            var subnormal = (magnitude.AsSingle() + place.AsSingle()).AsUInt32() - place;

            var result = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(SmallestNormal)), subnormal, normal);
            result = Vector256.ConditionalSelect(
                Vector256.GreaterThanOrEqual(magnitude, Vector256.Create((127u + 16) << 23)), Vector256.Create(0x7c00u), result);
            result = Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, Vector256.Create(InfinityOfSingle)), Vector256.Create(0x7e00u), result);
            return result | sign;
        }
    }
}
