namespace Loadline.Unit.Gauges;

internal static class Allocations
{
    private const int Attempts = 10;

    /// <summary>Managed bytes that a hundred calls allocate on this thread, once their code has been compiled.</summary>
    /// <remarks>A collection, which any other test may cause, ends what the thread had of the heap, and counts all of it as allocated: then once more.</remarks>
    public static long Of(Action action)
    {
        action();
        for (var attempt = 1; ; attempt++)
        {
            var (collections, before) = (GC.CollectionCount(0), GC.GetAllocatedBytesForCurrentThread());
            for (var i = 0; i < 100; i++) action();
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0 || attempt == Attempts || GC.CollectionCount(0) == collections) return allocated;
        }
    }
}
