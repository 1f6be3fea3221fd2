using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Runs;

/// <summary>Sums up storages in memory of its own, so that it can be taken again and again without allocating.</summary>
/// <param name="memory"><c>host</c> or <c>device</c>.</param>
internal sealed class HolderTally(string memory)
{
    private readonly (string Use, string? Tensor, long Bytes)[] _largest = new (string, string?, long)[5];
    private readonly (string Use, long Bytes, int Storages)[] _uses = new (string, long, int)[4];

    /// <summary>The sum of what was taken last.</summary>
    public long Bytes { get; private set; }

    /// <summary>Forgets what was taken before and sums up these.</summary>
    public void Take(HashSet<Storage> alive)
    {
        Bytes = 0;
        Array.Clear(_largest);
        Array.Clear(_uses);
        foreach (var storage in alive)
        {
            if (storage.Device.IsAccelerator != (memory == "device")) continue;
            Bytes += storage.Bytes;
            AddToUse(storage);
            AddToLargest(storage);
        }
    }

    public Holders ToHolders() => new(
        memory,
        Bytes,
        [.. _uses.Where(u => u.Storages > 0).OrderByDescending(u => u.Bytes).Select(u => new HeldForUse(u.Use, u.Bytes, u.Storages))],
        [.. _largest.Where(t => t.Bytes > 0).Select(t => new HeldByTensor(t.Use, t.Tensor, t.Bytes))]);

    private void AddToUse(Storage storage)
    {
        for (var i = 0; i < _uses.Length; i++)
        {
            if (_uses[i].Storages > 0 && _uses[i].Use != storage.Use) continue;
            _uses[i] = (storage.Use, _uses[i].Bytes + storage.Bytes, _uses[i].Storages + 1);
            return;
        }
    }

    private void AddToLargest(Storage storage)
    {
        var place = _largest.Length;
        while (place > 0 && IsBefore(storage, _largest[place - 1])) place--;
        if (place == _largest.Length) return;
        Array.Copy(_largest, place, _largest, place + 1, _largest.Length - place - 1);
        _largest[place] = (storage.Use, storage.TensorName, storage.Bytes);
    }

    // Equal sizes by name: the set has no order that could be relied on.
    private static bool IsBefore(Storage storage, (string Use, string? Tensor, long Bytes) other) =>
        storage.Bytes != other.Bytes
            ? storage.Bytes > other.Bytes
            : string.CompareOrdinal(storage.TensorName, other.Tensor) is < 0 || (storage.TensorName == other.Tensor && string.CompareOrdinal(storage.Use, other.Use) < 0);
}
