using Loadline.Tensors.Memory;

namespace Loadline.Reading;

/// <summary>A storage's memory, which is to be filled.</summary>
/// <param name="Layout">The storage as it will be in memory, and where it comes from.</param>
/// <param name="Target">The memory.</param>
internal sealed record Destination(WeightStorage Layout, Storage Target) : IComparable<Destination>
{
    /// <summary>
    /// The same as they lie in their files, so that the disk reads forward. PyTorch writes storages in the order of their keys as text: 0, 1, 10, 100
    /// (torch/serialization.py of PyTorch 2.6), and whoever follows the state dict jumps.
    /// </summary>
    public static IEnumerable<Destination> InFileOrder(IReadOnlyList<Destination> destinations)
    {
        for (var i = 1; i < destinations.Count; i++)
        {
            if (destinations[i - 1].CompareTo(destinations[i]) <= 0) continue;
            List<Destination> sorted = [.. destinations];
            sorted.Sort();
            return sorted;
        }

        return destinations;
    }

    /// <inheritdoc/>
    public int CompareTo(Destination? other)
    {
        if (other is null) return 1;
        var (mine, others) = (Layout.Source, other.Layout.Source);
        var byFile = ReferenceEquals(mine.File, others.File) ? 0 : string.CompareOrdinal(mine.File, others.File);
        return byFile != 0 ? byFile : (mine.Position + Layout.SourceOffset).CompareTo(others.Position + other.Layout.SourceOffset);
    }
}
