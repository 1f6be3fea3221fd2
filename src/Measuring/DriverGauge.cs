using Loadline.Tensors.Engines;

namespace Loadline.Measuring;

/// <summary>
/// What GPUs' drivers say is taken, of all that an engine has open together: the engine's count and what allocation makes of it, and besides it whatever other
/// processes do meanwhile.
/// </summary>
internal sealed class DriverGauge(Engine engine)
{
    private readonly Lock _lock = new();
    private long _peakBytes;

    /// <summary>What was taken before the load: contexts, and other processes; null without a GPU.</summary>
    public long? BaselineBytes { get; private set; }

    /// <summary>The most that was taken above that; null without a GPU.</summary>
    public long? PeakBytes => BaselineBytes is { } baseline ? Math.Max(0, _peakBytes - baseline) : null;

    /// <summary>Reads what is there before the load.</summary>
    public void Begin()
    {
        if (engine.Gpus.Count == 0) return;
        BaselineBytes = _peakBytes = UsedBytes();
    }

    /// <summary>
    /// Reads what is there now. Where a count stands at its highest, before something is released and at the end, this is all there is to see: the driver's
    /// figure moves with allocations only, and asking by the clock would keep copies waiting.
    /// </summary>
    public void Note()
    {
        if (BaselineBytes is null) return;
        lock (_lock) _peakBytes = Math.Max(_peakBytes, UsedBytes());
    }

    private long UsedBytes() => engine.Gpus.Sum(gpu => gpu.Memory().UsedBytes);
}
