using System.Runtime.ExceptionServices;

namespace Loadline.DeviceMaps.Dispatch;

/// <summary>A layer that is copied while the one before it is used.</summary>
internal sealed class ComingLayer : IDisposable
{
    private const int StackBytes = 256 * (int)ByteSize.KiB;

    private readonly Thread _thread;
    private Layer? _layer;
    private ExceptionDispatchInfo? _failure;

    public ComingLayer(LayerPlan plan, int readers)
    {
        _thread = new Thread(() => Bring(plan, readers), StackBytes) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The layer, which is the caller's from now on; or what went wrong with it.</summary>
    public Layer Wait()
    {
        _thread.Join();
        _failure?.Throw();
        return Interlocked.Exchange(ref _layer, null)!;
    }

    public void Dispose()
    {
        _thread.Join();
        _layer?.Dispose();
    }

    private void Bring(LayerPlan plan, int readers)
    {
        try
        {
            _layer = plan.Bring(readers);
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }
}
