using System.Collections.Immutable;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Looks into what a pickle made, for readers who know what should be there. Each look is charged: a value may stand in a pickle a million times.
/// </summary>
internal static class PickleLooks
{
    private const int WidestElement = 16;
    private const long MaxTensorBytes = long.MaxValue;

    /// <summary>The items of a list, a tuple or a set.</summary>
    public static List<object?> ItemsOf(PickleContainer container, Ledger ledger)
    {
        Charge(container, ledger);
        var items = new List<object?>(container.Count);
        for (var run = 0; run < container.RunCount; run++) items.AddRange(container.Run(run));
        return items;
    }

    /// <summary>Keys and values of a dictionary, in order.</summary>
    public static List<(object? Key, object? Value)> PairsOf(PickleDictionary dictionary, Ledger ledger)
    {
        Charge(dictionary, ledger);
        if (dictionary.TryFindDouble(ledger, out var key))
            throw new CheckpointException(CheckpointError.Malformed, ledger.Path, "stands in the checkpoint twice", PythonText.Print(key) ?? "(no text)");
        var pairs = new List<(object?, object?)>(dictionary.Count / 2);
        for (var run = 0; run < dictionary.RunCount; run++)
        {
            var items = dictionary.Run(run);
            for (var i = 0; i < items.Length; i += 2) pairs.Add((items[i], items[i + 1]));
        }

        return pairs;
    }

    /// <summary>A torch.Size, or another sequence of sizes; null where it is none, or has too many or negative ones.</summary>
    public static ImmutableArray<long>? SizesOf(object? value, Ledger ledger)
    {
        if (value is not (PickleTuple or PickleList)) return null;
        var sizes = (PickleContainer)value;
        if (sizes.Count > TensorLimit.MaxRank) return null;
        ledger.Work(1 + sizes.Count);
        ledger.Charge(MemorySize.OfText(0) + MemorySize.PerItem * sizes.Count);
        var numbers = new long[sizes.Count];
        var items = sizes.Run(0);
        for (var i = 0; i < numbers.Length; i++)
        {
            if (items[i] is not (long and >= 0 and var size)) return null;
            numbers[i] = size;
        }

        return Shapes.Freeze(numbers);
    }

    /// <summary>A shape; null where it is none, or has more bytes of the widest type than are a number.</summary>
    public static ImmutableArray<long>? ShapeOf(object? value, Ledger ledger)
    {
        if (SizesOf(value, ledger) is not { } sizes) return null;
        Int128 bytes = WidestElement;
        foreach (var size in sizes)
        {
            // An empty tensor's other sizes may be any.
            if (size == 0) return sizes;
            bytes = Int128.Min(bytes * size, MaxTensorBytes);
        }

        return bytes < MaxTensorBytes ? sizes : null;
    }

    private static void Charge(PickleContainer container, Ledger ledger)
    {
        ledger.Work(1 + container.Count);
        ledger.Charge(MemorySize.OfText(0) + MemorySize.PerItem * (long)container.Count);
    }
}
