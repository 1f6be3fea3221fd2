using System.Buffers.Binary;

namespace Loadline.Fuzz;

/// <summary>Damages of bytes: by the rules of the format most of the time, blindly otherwise, one to four at once.</summary>
internal static class Mutations
{
    private static readonly long[] Interesting =
    [
        0, 1, 2, 7, 8, 63, 64, 65, 127, 128, 255, 256, 1000, 4095, 4096, 32767, 32768, 65535, 65536, 1 << 20, 100_000_000, 100_000_001,
        int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40, 1L << 62, long.MaxValue, long.MinValue, -1, -2, -8,
    ];

    public static byte[] Apply(Random random, byte[] bytes, Corpus corpus)
    {
        for (var count = Math.Max(1, random.Next(-3, 5)); count > 0; count--)
        {
            bytes = random.Next(4) == 0 ? Blind(random, bytes, corpus) : Structured(random, bytes) ?? Blind(random, bytes, corpus);
        }

        return bytes;
    }

    /// <summary>A number that readers trip over.</summary>
    public static long Number(Random random) => Interesting[random.Next(Interesting.Length)] + (random.Next(4) == 0 ? random.Next(-4, 5) : 0);

    private static byte[]? Structured(Random random, byte[] bytes) => bytes switch
    {
        [(byte)'P', (byte)'K', ..] => ZipMutations.Apply(random, bytes),
        [0x80 or (byte)'L', ..] => PickleMutations.Apply(random, bytes),
        [(byte)'{', ..] => JsonMutations.Apply(random, bytes),
        [_, _, _, _, _, _, _, _, (byte)'{', ..] => JsonMutations.ApplyToHeader(random, bytes),
        _ => null,
    };

    private static byte[] Blind(Random random, byte[] bytes, Corpus corpus)
    {
        if (bytes.Length == 0) return [(byte)random.Next(256)];
        // Most of what can go wrong lies near the ends, where headers and directories are.
        var at = random.Next(3) switch
        {
            0 => random.Next(bytes.Length),
            1 => random.Next(Math.Min(bytes.Length, 1024)),
            _ => bytes.Length - 1 - random.Next(Math.Min(bytes.Length, 1024)),
        };
        var length = Math.Min(random.Next(1, 1 << random.Next(1, 12)), bytes.Length - at);
        switch (random.Next(8))
        {
            case 0: bytes[at] ^= (byte)(1 << random.Next(8)); return bytes;
            case 1: bytes[at] = (byte)random.Next(256); return bytes;
            case 2: return bytes[..at];
            case 3: return [.. bytes[..at], .. bytes[(at + length)..]];
            case 4: return [.. bytes[..(at + length)], .. bytes[at..]];
            case 5: return [.. bytes, .. bytes[at..(at + length)]];
            case 6: return Splice(random, bytes, at, corpus.Any(random));
            default: WriteNumber(random, bytes.AsSpan(at)); return bytes;
        }
    }

    private static byte[] Splice(Random random, byte[] bytes, int at, ReadOnlySpan<byte> other)
    {
        var from = random.Next(other.Length);
        return [.. bytes[..at], .. other[from..Math.Min(other.Length, from + random.Next(1, 4096))], .. bytes[at..]];
    }

    private static void WriteNumber(Random random, Span<byte> bytes)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, Number(random));
        number[..Math.Min(1 << random.Next(4), bytes.Length)].CopyTo(bytes);
    }
}
