using Loadline.Checkpoints;

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
}
