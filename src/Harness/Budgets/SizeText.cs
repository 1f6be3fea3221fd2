using Loadline.Checkpoints;

namespace Loadline.Harness.Budgets;

/// <summary>Sizes that people chose are printed as they would have written them, never rounded; <see cref="ByteSize.Format"/> is for what was measured.</summary>
internal static class SizeText
{
    /// <summary>The largest unit that divides it evenly: "1GiB", "3360MiB", "1685360KiB". <see cref="ByteSize.Parse"/> reads it back.</summary>
    public static string Exact(long bytes, string gap = "")
    {
        foreach (var (unit, size) in new[] { ("GiB", ByteSize.GiB), ("MiB", ByteSize.MiB), ("KiB", ByteSize.KiB) })
        {
            if (bytes >= size && bytes % size == 0) return $"{bytes / size}{gap}{unit}";
        }

        return $"{bytes}{gap}B";
    }

    /// <summary>The same for sentences: "1 GiB". A size that is no whole number of MiB is rounded, because nobody reads its digits.</summary>
    public static string InWords(long bytes) => bytes % ByteSize.MiB == 0 ? Exact(bytes, " ") : ByteSize.Format(bytes);
}
