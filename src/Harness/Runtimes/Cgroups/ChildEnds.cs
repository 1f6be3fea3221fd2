using System.Runtime.InteropServices;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// SIGCHLD, by which .NET learns that a process has ended. Who starts this one may have it ignored (<c>trap '' CHLD</c>, and some servers), which is handed on; .NET leaves
/// it so, the kernel then forgets children as they end, and whoever waits for one waits for ever. Source: wait(2), and InstallSignalHandler of .NET.
/// </summary>
internal static partial class ChildEnds
{
    private const int SigChild = 17;
    private const nint Default = 0;

    /// <summary>Has them told. To be called before .NET has looked, which it does when the first signal or process is asked for.</summary>
    public static void BeTold() => _ = signal(SigChild, Default);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);
}
