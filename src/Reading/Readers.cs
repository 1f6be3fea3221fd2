using System.Runtime.ExceptionServices;

namespace Loadline.Reading;

/// <summary>A few threads that work off a list together. Threads of their own, because a pool's are started late and with stacks of 1.5 MiB.</summary>
internal static class Readers
{
    /// <summary>Does the work on every item; the first error stops all of them and is thrown.</summary>
    public static void Run<T>(int count, IEnumerable<T> items, Action<T> work)
    {
        using var shared = new SharedItems<T>(items, work);
        var helpers = new List<ParkedThread>(count - 1);
        try
        {
            while (helpers.Count < count - 1) helpers.Add(ParkedThread.Begin(shared.Work));
        }
        catch (OutOfMemoryException)
        {
            // A limit of processes (pids.max): those that there are do the work.
        }

        shared.Work();
        // Whatever happened: they read into memory that their caller frees.
        foreach (var helper in helpers) helper.End();
        shared.ThrowIfFailed();
    }

    private sealed class SharedItems<T>(IEnumerable<T> items, Action<T> work) : IDisposable
    {
        private readonly IEnumerator<T> _items = items.GetEnumerator();
        private readonly Lock _lock = new();
        private ExceptionDispatchInfo? _failure;

        public void Work()
        {
            try
            {
                while (TryTake(out var item)) work(item);
            }
            catch (Exception e)
            {
                lock (_lock) _failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        public void ThrowIfFailed() => _failure?.Throw();

        public void Dispose() => _items.Dispose();

        private bool TryTake(out T item)
        {
            lock (_lock)
            {
                var taken = _failure is null && _items.MoveNext();
                item = taken ? _items.Current : default!;
                return taken;
            }
        }
    }
}
