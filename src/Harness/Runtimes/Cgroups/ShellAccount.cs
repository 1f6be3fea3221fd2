using System.Diagnostics;
using System.Globalization;
using Loadline.Gauges;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>How a program ended, by the shell that has waited for it.</summary>
/// <param name="ExitCode">The program's, as shells have it: 128 and the signal's number where one ended it.</param>
/// <param name="ReadBytes">
/// What it has read from the disk, complete to the last byte: to whoever waits for a process the kernel adds its count, and those of the children that it has
/// waited for. Null where the kernel counts nothing.
/// </param>
internal sealed record ShellAccount(int ExitCode, long? ReadBytes)
{
    /// <summary>What the shell calls itself then, before the exit code (proc(5), comm): no other process can give it a name.</summary>
    public const string HasEnded = "ended-";

    /// <summary>What stands behind it.</summary>
    public const string EndMark = ".";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <summary>Waits for the program's end, reads the account, and ends the shell; null where the shell has ended before, whose exit code is what counts.</summary>
    /// <exception cref="RuntimeException">It cannot be looked at.</exception>
    public static async Task<ShellAccount?> ReadAsync(Process shell)
    {
        try
        {
            using var name = KernelFile.Open(FormattableString.Invariant($"/proc/{shell.Id}/comm"));
            int? code;
            while ((code = ExitCodeIn(name)) is null) await Task.Delay(Interval);
            var account = new ShellAccount(code.Value, ReadBytesOf(shell));
            shell.Kill();
            return account;
        }
        catch (GaugeException e)
        {
            // Gone, or about to be waited for: then nothing is left to look at.
            if (shell.HasExited || await HasEndedSoonAsync(shell)) return null;
            shell.Kill();
            throw new RuntimeException($"cgroup: the shell that waits for the program cannot be looked at: {e.Message}", e);
        }
    }

    // Asked anew at each read whether its reader may, which it may not where a profile of the machine forbids it.
    private static long? ReadBytesOf(Process shell)
    {
        try
        {
            using var gauges = ProcessMemory.Open(shell.Id);
            return gauges.ReadDiskBytes();
        }
        catch (GaugeException)
        {
            return null;
        }
    }

    private static async Task<bool> HasEndedSoonAsync(Process shell)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await shell.WaitForExitAsync(patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static int? ExitCodeIn(KernelFile name)
    {
        var line = name.Read(stackalloc byte[32]).Line;
        // A name that is just being written may be read by halves.
        if (!line.StartsWith(HasEnded, StringComparison.Ordinal) || !line.EndsWith(EndMark, StringComparison.Ordinal)) return null;
        return int.TryParse(line.AsSpan()[HasEnded.Length..^EndMark.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : null;
    }
}
