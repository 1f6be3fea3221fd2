namespace Loadline.Benchmarks.Steps;

/// <summary>Looks at the managed heap every few milliseconds.</summary>
internal sealed class PeakHeap : IDisposable
{
    private readonly Timer _timer;
    private long _peak;

    public PeakHeap() => _timer = new Timer(_ => Look(), null, 0, 5);

    public long Stop()
    {
        Look();
        return _peak;
    }

    public void Dispose() => _timer.Dispose();

    private void Look() => _peak = Math.Max(_peak, GC.GetTotalMemory(forceFullCollection: false));
}
