namespace Loadline.Checkpoints.Formats;

/// <summary>A tar's first header, as Python's <c>tarfile</c> takes it, which PyTorch asks: by the sum of its bytes, and whatever else it says.</summary>
internal static class TarHeader
{
    private const int Bytes = 512;
    private const int SumAt = 148;
    private const int SumBytes = 8;

    /// <summary>Whether a file may begin with one.</summary>
    public static bool Recognises(ReadOnlySpan<byte> head)
    {
        if (head.Length < Bytes) return false;
        if (head[257..].StartsWith("ustar"u8)) return true;
        // The bytes of the sum itself count as blanks. Some wrote it of signed bytes.
        var (sum, signed) = (0, 0);
        for (var i = 0; i < Bytes; i++)
        {
            var value = i is >= SumAt and < SumAt + SumBytes ? (byte)' ' : head[i];
            sum += value;
            signed += (sbyte)value;
        }

        return Number(head.Slice(SumAt, SumBytes)) is { } declared && (declared == sum || declared == signed);
    }

    // Octal digits up to a NUL, between blanks; or, behind a first byte of 0x80 or 0xff, base 256.
    private static long? Number(ReadOnlySpan<byte> field)
    {
        var number = 0L;
        if (field[0] is 0x80 or 0xff)
        {
            foreach (var part in field[1..]) number = number << 8 | part;
            return field[0] == 0xff ? number - (1L << 56) : number;
        }

        var end = field.IndexOf((byte)0);
        var digits = (end < 0 ? field : field[..end]).Trim((byte)' ');
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7') return null;
            number = 8 * number + digit - '0';
        }

        return number;
    }
}
