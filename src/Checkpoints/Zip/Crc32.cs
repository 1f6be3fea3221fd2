using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Loadline.Checkpoints.Zip;

/// <summary>
/// The CRC-32 of ZIP (polynomial 0xEDB88320, bits reversed), at memory speed where the processor multiplies without carries, and for runs of zeros
/// without reading any.
/// </summary>
/// <remarks>
/// Sources: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009), for folding and its constants;
/// the appending of zeros multiplies by powers of x modulo the polynomial, as zlib's crc32_combine does.
/// </remarks>
internal static class Crc32
{
    private const uint Polynomial = 0xedb88320;
    private const int TableCount = 8;

    private static readonly uint[] Tables = BuildTables();

    // x^(8·2^k) modulo the polynomial: the factor for 2^k bytes of zeros.
    private static readonly uint[] ZeroFactors = BuildZeroFactors();

    /// <summary>The CRC of what <paramref name="crc"/> covers followed by <paramref name="bytes"/>; 0 covers nothing.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        var state = ~crc;
        if (Pclmulqdq.IsSupported && bytes.Length >= 128)
        {
            var folded = bytes.Length & ~15;
            state = Fold(state, bytes[..folded]);
            bytes = bytes[folded..];
        }

        return ~AppendByTable(state, bytes);
    }

    /// <summary>The same for <paramref name="count"/> zeros.</summary>
    public static uint AppendZeros(uint crc, long count)
    {
        var state = ~crc;
        for (var k = 0; count > 0; k++, count >>= 1)
        {
            if ((count & 1) != 0) state = Multiply(ZeroFactors[k], state);
        }

        return ~state;
    }

    private static uint AppendByTable(uint state, ReadOnlySpan<byte> bytes)
    {
        ref var tables = ref MemoryMarshal.GetArrayDataReference(Tables);
        while (bytes.Length >= 8)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ state;
            state = 0;
            // SAFETY: a byte plus 256 times at most 7 is below 8·256, the length of the tables.
            for (var i = 0; i < 8; i++) state ^= Unsafe.Add(ref tables, (7 - i) * 256 + (int)((word >> (8 * i)) & 0xff));
            bytes = bytes[8..];
        }

        foreach (var b in bytes) state = Unsafe.Add(ref tables, (int)((state ^ b) & 0xff)) ^ (state >> 8);
        return state;
    }

    /// <summary>Folds 64 bytes at a time into 64 that have the same remainder, those into 16, and leaves the 16 to the table.</summary>
    private static uint Fold(uint state, ReadOnlySpan<byte> bytes)
    {
        // x^(512±32) and x^(128±32) modulo the polynomial, bits reversed.
        var by64 = Vector128.Create(0x0154442bd4UL, 0x01c6e41596UL);
        var by16 = Vector128.Create(0x01751997d0UL, 0x00ccaa009eUL);
        var blocks = MemoryMarshal.Cast<byte, Vector128<ulong>>(bytes);
        var (a, b, c, d) = (blocks[0] ^ Vector128.CreateScalar((ulong)state), blocks[1], blocks[2], blocks[3]);
        for (blocks = blocks[4..]; blocks.Length >= 4; blocks = blocks[4..])
        {
            a = FoldInto(a, by64, blocks[0]);
            b = FoldInto(b, by64, blocks[1]);
            c = FoldInto(c, by64, blocks[2]);
            d = FoldInto(d, by64, blocks[3]);
        }

        a = FoldInto(FoldInto(FoldInto(a, by16, b), by16, c), by16, d);
        foreach (var block in blocks) a = FoldInto(a, by16, block);
        Span<byte> rest = stackalloc byte[16];
        a.AsByte().CopyTo(rest);
        return AppendByTable(0, rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> FoldInto(Vector128<ulong> value, Vector128<ulong> factors, Vector128<ulong> next) =>
        Pclmulqdq.CarrylessMultiply(value, factors, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, factors, 0x11) ^ next;

    private static uint[] BuildTables()
    {
        var tables = new uint[TableCount * 256];
        for (uint i = 0; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? Polynomial : 0);
            tables[i] = value;
        }

        for (var i = 256; i < tables.Length; i++) tables[i] = tables[tables[i - 256] & 0xff] ^ (tables[i - 256] >> 8);
        return tables;
    }

    private static uint[] BuildZeroFactors()
    {
        var factors = new uint[63];
        factors[0] = 1u << (31 - 8);
        for (var k = 1; k < factors.Length; k++) factors[k] = Multiply(factors[k - 1], factors[k - 1]);
        return factors;
    }

    /// <summary>The product of two polynomials modulo the CRC's; the highest bit is the coefficient of x⁰.</summary>
    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (; a != 0; a <<= 1)
        {
            if ((a & 0x80000000) != 0) product ^= b;
            b = (b >> 1) ^ ((b & 1) != 0 ? Polynomial : 0);
        }

        return product;
    }
}
