namespace Loadline.Benchmarks;

/// <summary>What several runs come to.</summary>
internal static class Statistics
{
    /// <summary>The median; the mean of the two in the middle where they are even in number.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static double Median(this IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        if (sorted.Count == 0) throw new ArgumentException("nothing was measured", nameof(values));
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
