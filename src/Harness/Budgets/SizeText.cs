using System.Globalization;

namespace Loadline.Harness.Budgets;

/// <summary>Sizes that people chose, for sentences: as they would have written them. <see cref="ByteSize.Format"/> is for what was measured.</summary>
internal static class SizeText
{
    /// <summary>"1 GiB", "3360 MiB". A size that is no whole number of MiB is rounded, because nobody reads its digits.</summary>
    public static string InWords(long bytes)
    {
        if (bytes % ByteSize.MiB != 0) return ByteSize.Format(bytes);
        var exact = ByteSize.FormatExact(bytes);
        return exact.Insert(exact.AsSpan().IndexOfAnyExceptInRange('0', '9'), " ");
    }

    /// <summary>"1645.859375MiB": to the byte, as budget files write what an engine counts.</summary>
    public static string InMib(long bytes) => bytes == 0 ? "0B" : ((decimal)bytes / ByteSize.MiB).ToString("0.####################", CultureInfo.InvariantCulture) + "MiB";
}
