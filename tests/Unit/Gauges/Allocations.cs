namespace Loadline.Unit.Gauges;

internal static class Allocations
{
    /// <summary>Managed bytes that a hundred calls allocate on this thread, once their code has been compiled.</summary>
    public static long Of(Action action)
    {
        action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
