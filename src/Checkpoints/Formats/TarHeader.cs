namespace Loadline.Checkpoints.Formats;

/// <summary>A tar's first header.</summary>
internal static class TarHeader
{
    private const int Bytes = 512;
    private const int SumAt = 148;
    private const int SumBytes = 8;

    /// <summary>Whether it says that it is one, as all do since 1988.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> head) => head.Length >= 262 && head[257..].StartsWith("ustar"u8);

    /// <summary>Whether Python's <c>tarfile</c>, which PyTorch asks, could take it for one: it goes by the sum of the bytes.</summary>
    public static bool HasSum(ReadOnlySpan<byte> head)
    {
        if (head.Length < Bytes) return false;
        // The bytes of the sum itself count as blanks. Some wrote it of signed bytes.
        var (sum, signed) = (0, 0);
        for (var i = 0; i < Bytes; i++)
        {
            var value = i is >= SumAt and < SumAt + SumBytes ? (byte)' ' : head[i];
            sum += value;
            signed += (sbyte)value;
        }

        var declared = Number(head.Slice(SumAt, SumBytes));
        return declared == sum || declared == signed;
    }

    // Python's blanks, a sign, and what may stand in a number or before it. Not a search in a span, which is compiled at a process's first open.
    private static bool IsAllowed(byte character) =>
        character is (byte)' ' or >= (byte)'\t' and <= (byte)'\r' or >= 0x1c and <= 0x1f or (byte)'+' or (byte)'-' or (byte)'_' or (byte)'o' or (byte)'O';

    // Octal digits up to a NUL, with what Python allows between and before them; or, behind a first byte of 0x80 or 0xff, base 256. The least number of all
    // where it is none.
    private static long Number(ReadOnlySpan<byte> field)
    {
        var number = 0L;
        if (field[0] is 0x80 or 0xff)
        {
            foreach (var part in field[1..]) number = number << 8 | part;
            return field[0] == 0xff ? number - (1L << 56) : number;
        }

        var end = field.IndexOf((byte)0);
        var sign = 1;
        foreach (var digit in end < 0 ? field : field[..end])
        {
            // The sum of signed bytes may be below nothing.
            if (digit == (byte)'-') sign = -1;
            if (digit is >= (byte)'0' and <= (byte)'7') number = 8 * number + digit - '0';
            else if (!IsAllowed(digit)) return long.MinValue;
        }

        return sign * number;
    }
}
