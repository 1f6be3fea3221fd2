using System.Runtime.InteropServices;

namespace Loadline.Gauges;

/// <summary>
/// Puts a thread before all others: on a busy machine a container engine would remove a cgroup before the thread that reads it has its turn. Such a
/// thread must sleep nearly always.
/// </summary>
internal static partial class ForemostThread
{
    // sched.h and sys/resource.h of Linux. A thread has a policy and a nice value of its own; 0 is the calling one.
    private const int SchedFifo = 1;
    private const int ThisThread = 0;
    private const int LowestNice = -20;

    /// <summary>Does so for the calling thread, as far as this user may: root, or who has CAP_SYS_NICE.</summary>
    public static void Claim()
    {
        // Nice values count within a session only where the kernel groups sessions (CONFIG_SCHED_AUTOGROUP); a real-time policy counts everywhere.
        var lowestPriority = 1;
        if (sched_setscheduler(ThisThread, SchedFifo, in lowestPriority) != 0) _ = setpriority(0, ThisThread, LowestNice);
    }

    // struct sched_param has one member, the priority.
    [LibraryImport("libc")]
    private static partial int sched_setscheduler(int thread, int policy, in int parameters);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int nice);
}
