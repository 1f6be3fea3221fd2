using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

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
    private ExecutionContext? _context;
    private bool _isDone;
    private bool _hasEnded;

    private ParkedThread(Action work)
    {
        (_work, _context) = (work, ExecutionContext.Capture());
        // Whose work it does, in whose context: not in that of whoever was first.
        new Thread(WorkOn, ReadSizes.ReaderStackBytes) { IsBackground = true }.UnsafeStart();
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
            (_work, _context, _isDone) = (work, ExecutionContext.Capture(), false);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    private void WorkOn()
    {
        while (HasWork())
        {
            Work();
            lock (_gate)
            {
                (_work, _context, _isDone) = (null, null, true);
                Monitor.PulseAll(_gate);
            }
        }
    }

    // By itself: what a loop holds in a local variable would live until the next work comes.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Work()
    {
        if (_context is { } context) ExecutionContext.Run(context, static work => ((Action)work!)(), _work);
        else _work!();
    }

    private bool HasWork()
    {
        lock (_gate)
        {
            while (_work is null)
            {
                if (Monitor.Wait(_gate, Patience) || _work is not null) continue;
                _hasEnded = true;
                return false;
            }

            return true;
        }
    }
}
