using System.Globalization;

namespace Loadline.Harness.Kubernetes;

/// <summary>Sizes as Kubernetes writes them: <c>64Mi</c>, and a bare number of bytes for what is no whole KiB.</summary>
internal static class MemoryQuantity
{
    private static readonly (string Suffix, decimal Factor)[] Suffixes =
    [
        ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30), ("Ti", 1L << 40), ("Pi", 1L << 50), ("Ei", 1L << 60),
        ("m", 0.001m), ("k", 1e3m), ("M", 1e6m), ("G", 1e9m), ("T", 1e12m), ("P", 1e15m), ("E", 1e18m), ("", 1),
    ];

    /// <summary>In the largest unit that is exact, as the API server writes it back.</summary>
    public static string Of(long bytes) => ByteSize.FormatExact(bytes).TrimEnd('B');

    /// <summary>Reads any quantity; null for what is none, or no whole number of bytes.</summary>
    /// <param name="text">As in <c>64Mi</c>, <c>128974848</c>, <c>129e6</c> and <c>129M</c>.</param>
    public static long? TryParse(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        var (suffix, factor) = Array.Find(Suffixes, s => text.EndsWith(s.Suffix, StringComparison.Ordinal));
        const NumberStyles styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (!decimal.TryParse(text.AsSpan()[..^suffix.Length], styles, CultureInfo.InvariantCulture, out var number)) return null;
        if (number < 0 || number > long.MaxValue / factor) return null;
        var bytes = number * factor;
        return bytes == decimal.Truncate(bytes) ? (long)bytes : null;
    }
}
