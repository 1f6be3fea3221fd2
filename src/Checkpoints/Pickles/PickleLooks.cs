using System.Collections.Immutable;

namespace Loadline.Checkpoints.Pickles;

/// <summary>Looks into what a pickle made, for readers who know what should be there.</summary>
internal static class PickleLooks
{
    /// <summary>The items of a list, a tuple or a set.</summary>
    public static List<object?> ItemsOf(PickleContainer container)
    {
        var items = new List<object?>(container.Count);
        for (var run = 0; run < container.RunCount; run++) items.AddRange(container.Run(run));
        return items;
    }

    /// <summary>Keys and values of a dictionary, in order.</summary>
    public static List<(object? Key, object? Value)> PairsOf(PickleDictionary dictionary)
    {
        var pairs = new List<(object?, object?)>(dictionary.Count / 2);
        for (var run = 0; run < dictionary.RunCount; run++)
        {
            var items = dictionary.Run(run);
            for (var i = 0; i < items.Length; i += 2) pairs.Add((items[i], items[i + 1]));
        }

        return pairs;
    }

    /// <summary>A torch.Size, or another sequence of sizes; null where it is none, or has too many or negative ones.</summary>
    public static ImmutableArray<long>? SizesOf(object? value)
    {
        if (value is not PickleContainer { Count: <= TensorLimit.MaxRank } sizes || value is PickleDictionary) return null;
        var numbers = ImmutableArray.CreateBuilder<long>(sizes.Count);
        foreach (var item in ItemsOf(sizes))
        {
            if (item is not (long and >= 0 and var size)) return null;
            numbers.Add(size);
        }

        return numbers.ToImmutable();
    }
}
