using System.Collections.Concurrent;

namespace Loadline.Reading;

/// <summary>
/// A thread that waits a moment for more work before it ends: a load may read one tensor after the other. A thread that was joined has its stack for a while
/// longer, and one that begins meanwhile takes another: how many stacks a load has touched in the end, and so its peak, would be a matter of chance.
/// </summary>
internal sealed class ParkedThread
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private static readonly ConcurrentStack<ParkedThread> Parked = new();

    private readonly object _gate = new();
    private Action? _work;
    private bool _isDone;
    private bool _hasEnded;

    private ParkedThread(Action work)
    {
        _work = work;
        new Thread(WorkOn, ReadSizes.ReaderStackBytes) { IsBackground = true }.Start();
    }

    /// <summary>Has work done, which must not throw, by a thread that waits for it or by a new one.</summary>
    public static ParkedThread Begin(Action work)
    {
        while (Parked.TryPop(out var parked))
        {
            if (parked.TryTake(work)) return parked;
        }

        return new ParkedThread(work);
    }

    /// <summary>Waits until the work is done. The thread is anybody's from then on.</summary>
    public void End()
    {
        lock (_gate)
        {
            while (!_isDone) Monitor.Wait(_gate);
        }

        Parked.Push(this);
    }

    private bool TryTake(Action work)
    {
        lock (_gate)
        {
            if (_hasEnded) return false;
            (_work, _isDone) = (work, false);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    private void WorkOn()
    {
        while (Next() is { } work)
        {
            work();
            lock (_gate)
            {
                (_work, _isDone) = (null, true);
                Monitor.PulseAll(_gate);
            }
        }
    }

    private Action? Next()
    {
        lock (_gate)
        {
            while (_work is null)
            {
                if (Monitor.Wait(_gate, Patience) || _work is not null) continue;
                _hasEnded = true;
                return null;
            }

            return _work;
        }
    }
}
