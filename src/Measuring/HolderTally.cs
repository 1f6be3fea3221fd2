using Loadline.Checkpoints;
using Loadline.Tensors.Memory;

namespace Loadline.Measuring;

/// <summary>Sums up storages in memory of its own, so that it can be taken again and again without allocating.</summary>
/// <param name="memory"><c>host</c> or <c>device</c>.</param>
internal sealed class HolderTally(string memory)
{
    private const int MostCharacters = 256;

    private readonly Entry[] _largest = new Entry[5];
    private readonly Entry[] _uses = new Entry[4];

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

    public Holders ToHolders()
    {
        // Plain loops: what LINQ would compile for these structs takes more memory than some loads do.
        var uses = new List<HeldForUse>(_uses.Length);
        foreach (var use in _uses)
        {
            if (use.Storages == 0) break;
            var place = uses.Count;
            while (place > 0 && uses[place - 1].Bytes < use.Bytes) place--;
            uses.Insert(place, new HeldForUse(use.Use, use.Bytes, use.Storages));
        }

        var largest = new List<HeldByTensor>(_largest.Length);
        foreach (var storage in _largest)
        {
            if (storage.Bytes > 0) largest.Add(new HeldByTensor(storage.Use, Shown(storage.Tensor), storage.Bytes));
        }

        return new Holders(memory, Bytes, uses, largest);
    }

    // A name may have 65,536 characters, each six times as long in JSON, and a line is as long as LineSplitter lets it be.
    private static string? Shown(string? name) => name is { Length: > MostCharacters } ? PrintableText.Shorten(name, MostCharacters) : name;

    private void AddToUse(Storage storage)
    {
        for (var i = 0; i < _uses.Length; i++)
        {
            if (_uses[i].Storages > 0 && _uses[i].Use != storage.Use) continue;
            _uses[i] = new Entry(storage.Use, null, _uses[i].Bytes + storage.Bytes, _uses[i].Storages + 1);
            return;
        }
    }

    private void AddToLargest(Storage storage)
    {
        var place = _largest.Length;
        while (place > 0 && IsBefore(storage, _largest[place - 1])) place--;
        if (place == _largest.Length) return;
        for (var i = _largest.Length - 1; i > place; i--) _largest[i] = _largest[i - 1];
        _largest[place] = new Entry(storage.Use, storage.TensorName, storage.Bytes, 1);
    }

    // Equal sizes by name: the set has no order that could be relied on.
    private static bool IsBefore(Storage storage, in Entry other) =>
        storage.Bytes != other.Bytes
            ? storage.Bytes > other.Bytes
            : string.CompareOrdinal(storage.TensorName, other.Tensor) is < 0 || (storage.TensorName == other.Tensor && string.CompareOrdinal(storage.Use, other.Use) < 0);

    private readonly struct Entry(string use, string? tensor, long bytes, int storages)
    {
        public readonly string Use = use;
        public readonly string? Tensor = tensor;
        public readonly long Bytes = bytes;
        public readonly int Storages = storages;
    }
}
