using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Measuring;

/// <summary>
/// Knows which storages are alive, and remembers who held the memory when the engine's counts stood highest. It exists only while a load is
/// measured; an entry costs a reference, and remembering a peak allocates nothing.
/// </summary>
internal sealed class HolderLedger(Engine engine)
{
    // Each walk over all storages costs more the more there are, and there may be a peak for each: from here on small steps are left out.
    private const int ManyStorages = 4096;

    private readonly Lock _lock = new();
    private readonly HashSet<Storage> _alive = [];
    private readonly HolderTally _hostPeak = new("host");
    private readonly HolderTally _devicePeak = new("device");
    private long _toldBytes;

    public void Add(Storage storage)
    {
        lock (_lock) _alive.Add(storage);
    }

    public void Remove(Storage storage)
    {
        lock (_lock) _alive.Remove(storage);
    }

    /// <summary>Takes in who holds what, where a count stands as high as it ever did.</summary>
    public void NotePeaks()
    {
        lock (_lock)
        {
            Note(_hostPeak, engine.Host);
            Note(_devicePeak, engine.Accelerator);
        }
    }

    /// <summary>Whether a quarter more is held than when this said yes the last time: often enough to be true, too rare to take memory itself.</summary>
    public bool HasGrown()
    {
        var bytes = engine.Host.CurrentBytes + engine.Accelerator.CurrentBytes;
        if (bytes == 0 || bytes < _toldBytes + _toldBytes / 4) return false;
        _toldBytes = bytes;
        return true;
    }

    /// <summary>Who holds what at this moment.</summary>
    public IReadOnlyList<Holders> Now()
    {
        lock (_lock)
        {
            var (host, device) = (new HolderTally("host"), new HolderTally("device"));
            host.Take(_alive);
            device.Take(_alive);
            return Listed(host, device);
        }
    }

    /// <summary>Who held what at the peaks.</summary>
    public IReadOnlyList<Holders> AtPeak()
    {
        lock (_lock) return Listed(_hostPeak, _devicePeak);
    }

    private void Note(HolderTally peak, MemoryCounter counter)
    {
        var step = _alive.Count > ManyStorages ? Math.Max(1, peak.Bytes / 100) : 0;
        // The same count again may have changed hands: what was read into a state dict is the model's after it was assigned.
        if (counter.IsAtPeak && counter.CurrentBytes >= peak.Bytes + step) peak.Take(_alive);
    }

    private static IReadOnlyList<Holders> Listed(HolderTally host, HolderTally device)
    {
        var holders = new List<Holders>(2);
        if (host.Bytes > 0) holders.Add(host.ToHolders());
        if (device.Bytes > 0) holders.Add(device.ToHolders());
        return holders;
    }
}
