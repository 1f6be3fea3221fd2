using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Loadline.Tensors.Memory;

/// <summary>
/// A checksum whose pieces may be added in any order: the sum, over all 8-byte words, of a mix of the word and its position. A changed half of
/// a word always changes the sum, and so, but for chance, do words that swapped places. Fast rather than cryptographic: it finds loaders'
/// mistakes, not forgeries.
/// </summary>
internal static class BlockChecksum
{
    /// <summary>A tensor is summed in blocks of this many bytes.</summary>
    public const int BlockBytes = 1 << 20;

    private const ulong Step = 0x9E3779B97F4A7C15; // 2^64 divided by the golden ratio: consecutive multiples share no pattern.

    /// <summary>The sum of a piece that starts at a position, a multiple of 8, of its tensor. A tail shorter than a word counts as padded with zeros.</summary>
    public static ulong Sum(long position, ReadOnlySpan<byte> piece)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(piece);
        var key = unchecked(((ulong)position / 8 + 1) * Step);
        ulong sum = 0;
        var i = 0;
        if (Vector256.IsHardwareAccelerated && words.Length >= 16)
        {
            var sums = Vector256<ulong>.Zero;
            var keys = Vector256.Create(key, unchecked(key + Step), unchecked(key + 2 * Step), unchecked(key + 3 * Step));
            var step = Vector256.Create(unchecked(4 * Step));
            for (; i <= words.Length - 4; i += 4, keys += step)
            {
                var mixed = Vector256.Create(words[i..]) ^ keys;
                sums += Product(mixed) + mixed;
            }

            sum = Vector256.Sum(sums);
            key = keys[0];
        }

        for (; i < words.Length; i++, key = unchecked(key + Step)) sum = unchecked(sum + Mix(words[i] ^ key));
        return piece.Length % 8 == 0 ? sum : unchecked(sum + Mix(Tail(piece[^(piece.Length % 8)..]) ^ key));
    }

    private static ulong Mix(ulong mixed) => unchecked((mixed & uint.MaxValue) * (mixed >> 32) + mixed);

    private static Vector256<ulong> Product(Vector256<ulong> mixed) => Avx2.IsSupported
        ? Avx2.Multiply(mixed.AsUInt32(), (mixed >>> 32).AsUInt32())
        : (mixed & Vector256.Create((ulong)uint.MaxValue)) * (mixed >>> 32);

    private static ulong Tail(ReadOnlySpan<byte> bytes)
    {
        Span<byte> word = stackalloc byte[8];
        word.Clear();
        bytes.CopyTo(word);
        return MemoryMarshal.Read<ulong>(word);
    }
}
