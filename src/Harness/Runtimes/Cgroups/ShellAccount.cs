using System.Diagnostics;
using Loadline.Gauges;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// What a program has read from the disk, by the shell that has waited for it: to whoever waits for a process the kernel adds its count, complete to the last
/// byte, and those of the children that it has waited for. The shell stays until it was looked at. Nothing of this comes from the program.
/// </summary>
internal static class ShellAccount
{
    /// <summary>What the shell calls itself when the program has ended (proc(5), comm): a name that only a process's own threads can change.</summary>
    public const string HasEnded = "has-waited";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <summary>Reads the count and lets the shell go, whose standard input it is that ends; null where the shell was killed, or the kernel counts nothing.</summary>
    public static async Task<long?> ReadAsync(Process shell)
    {
        using var input = shell.StandardInput;
        try
        {
            using var gauges = ProcessMemory.Open(shell.Id);
            using var name = KernelFile.Open(FormattableString.Invariant($"/proc/{shell.Id}/comm"));
            while (!HasWaited(name)) await Task.Delay(Interval);
            return gauges.ReadDiskBytes();
        }
        catch (GaugeException)
        {
            return null;
        }
    }

    private static bool HasWaited(KernelFile name) => name.Read(stackalloc byte[32]).Is(HasEnded);
}
