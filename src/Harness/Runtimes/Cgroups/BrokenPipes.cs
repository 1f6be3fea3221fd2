using System.Runtime.InteropServices;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// SIGPIPE for programs that the harness starts. .NET has it ignored, and what is ignored stays so in a process that is started: <c>yes | head -1</c> would not end there. A
/// signal that has a handler has its default there. Source: SystemNative_ForkAndExecProcess of .NET, and signal(7).
/// </summary>
internal static partial class BrokenPipes
{
    private const int SigPipe = 13;
    private const nint Ignored = 1;

    private static readonly bool AreHandled = Handle();

    /// <summary>Has programs that are started from here on end by it, as those of a shell do. In this process a write to such a pipe fails as before.</summary>
    public static void EndPrograms() => _ = AreHandled;

    // SAFETY: the handler is getppid, which takes no argument and leaves nothing behind: a signal may interrupt anything for it, as signal-safety(7) says.
    private static bool Handle()
    {
        if (!NativeLibrary.TryLoad("libc", typeof(BrokenPipes).Assembly, searchPath: null, out var library) || !NativeLibrary.TryGetExport(library, "getppid", out var nothing)) return false;
        var before = signal(SigPipe, nothing);
        if (before == Ignored) return true;
        // Whoever has this process as a part of its own has chosen otherwise.
        _ = signal(SigPipe, before);
        return false;
    }

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);
}
