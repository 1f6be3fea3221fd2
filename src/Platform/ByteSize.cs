using System.Globalization;

namespace Loadline;

/// <summary>Sizes as people write and read them: binary units only (KiB, MiB, GiB, TiB), so that "KB" never means 1024.</summary>
public static class ByteSize
{
#pragma warning disable CS1591 // Units need no explanation.
    public const long KiB = 1L << 10;
    public const long MiB = 1L << 20;
    public const long GiB = 1L << 30;
    public const long TiB = 1L << 40;
#pragma warning restore CS1591

    // More than any size that somebody writes, and less than takes time.
    private const int MostCharacters = 64;

    /// <summary>As Kubernetes writes the same units.</summary>
    private static readonly (string Unit, long Bytes)[] Short = [("Ti", TiB), ("Gi", GiB), ("Mi", MiB), ("Ki", KiB)];

    private static readonly (string Unit, long Bytes)[] Units = [("TiB", TiB), ("GiB", GiB), ("MiB", MiB), ("KiB", KiB), ("B", 1)];

    /// <summary>Reads "2GiB", "1.5 GiB", "512MiB", Kubernetes' "512Mi", "4096B" or a bare number of bytes.</summary>
    /// <exception cref="FormatException">The text is no size; the message says what one looks like.</exception>
    public static long Parse(string text) => TryParse(text, out var bytes) ? bytes : throw new FormatException(Problem(text));

    /// <summary>What is wrong with a text that is no size, and what may have been meant: "2G" is 2 GiB for Docker and 2 billion bytes for Kubernetes.</summary>
    public static string Problem(string text)
    {
        var unit = Array.Find(Short, u => text.EndsWith(u.Unit[..1], StringComparison.OrdinalIgnoreCase)
            || text.EndsWith(u.Unit[..1] + "B", StringComparison.OrdinalIgnoreCase)).Unit;
        var number = unit is null ? "" : text.TrimEnd('b', 'B')[..^1].Trim();
        return decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _)
            ? $"'{text}' is not a size: did you mean {number}{unit}B?"
            : $"'{text}' is not a size: write a number and KiB, MiB, GiB or TiB, as in 512MiB";
    }

    /// <summary><see cref="Parse"/> without the exception. Negative sizes and fractions of a byte are refused.</summary>
    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        if (text?.Length > MostCharacters) return false;
        var trimmed = text.AsSpan().Trim();
        long factor = 1;
        foreach (var (unit, size) in Units.Concat(Short))
        {
            if (!trimmed.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) continue;
            factor = size;
            trimmed = trimmed[..^unit.Length].TrimEnd();
            break;
        }

        if (!decimal.TryParse(trimmed, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > long.MaxValue / factor || number * factor != decimal.Truncate(number * factor)) return false;
        bytes = (long)(number * factor);
        return true;
    }

    /// <summary>Prints for people, in the largest unit that keeps three digits or is exact: "1646 MiB", "2 GiB", "6.3 MiB", "512 B".</summary>
    public static string Format(long bytes)
    {
        // What the lowest number of all is negated to does not fit; nobody sees the difference of a byte.
        if (bytes < 0) return "-" + Format(-Math.Max(bytes, -long.MaxValue));
        // Up to 10 GiB the field talks in MiB, where a decimal of a GiB would hide 100 MiB; but nobody writes 2048 MiB for 2 GiB.
        foreach (var (unit, size) in Units)
        {
            if (bytes >= (size >= GiB ? 10 : 1) * size || (bytes >= size && bytes % size == 0)) return Number(bytes / size, bytes % size, size) + " " + unit;
        }

        return "0 B";
    }

    // Three digits, in integers, and no interpolation: what prints a double, or rents a buffer, has to be looked up when a process first prints a size.
    private static string Number(long whole, long rest, long unit)
    {
        if (whole >= 100 || rest == 0) return Text(whole + (2 * rest >= unit ? 1 : 0));
        var tenths = 10 * whole + (10 * rest + unit / 2) / unit;
        return Text(tenths / 10) + "." + Text(tenths % 10);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Prints without loss and without a space, as <see cref="Parse"/> reads it: "4GiB", "1646MiB", "1000B".</summary>
    public static string FormatExact(long bytes)
    {
        var (unit, size) = Units.First(u => bytes % u.Bytes == 0 && (bytes >= u.Bytes || u.Bytes == 1));
        return Text(bytes / size) + unit;
    }
}
