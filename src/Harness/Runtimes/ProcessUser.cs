using System.Runtime.InteropServices;

namespace Loadline.Harness.Runtimes;

/// <summary>Who runs this process.</summary>
internal static partial class ProcessUser
{
    /// <summary>The number of the user.</summary>
    public static uint Id => geteuid();

    /// <summary>"uid:gid", as containers are told.</summary>
    public static string Current => FormattableString.Invariant($"{geteuid()}:{getegid()}");

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getegid();
}
