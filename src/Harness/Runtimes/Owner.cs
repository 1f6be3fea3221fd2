using System.Diagnostics;
using System.Globalization;

namespace Loadline.Harness.Runtimes;

/// <summary>
/// The harness process that made a container or a cgroup. A process id alone would soon name somebody else: the start time tells two processes
/// of one id apart, the boot two machines or days, the namespace two containers that share an Engine.
/// </summary>
internal sealed record Owner(string Boot, string PidNamespace, int Pid, long StartTicks)
{
    private static readonly Lazy<(string Boot, string Namespace)> Here = new(Read, LazyThreadSafetyMode.PublicationOnly);

    private static string CurrentBoot => Here.Value.Boot;

    private static string CurrentNamespace => Here.Value.Namespace;

    /// <summary>Whether /proc is of this PID namespace: in another's, numbers of processes mean others, and what is waited for by them would never end.</summary>
    public static bool HasOwnProc => new FileInfo("/proc/self").LinkTarget is not { } self || self == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    /// <summary>This process.</summary>
    public static Owner Self => Of(Environment.ProcessId) ?? throw new RuntimeException("/proc/self/stat cannot be read: mount /proc");

    /// <summary>A process of this machine and namespace; null if there is none.</summary>
    public static Owner? Of(int pid) => StartTicksOf(pid) is { } start ? new Owner(CurrentBoot, CurrentNamespace, pid, start) : null;

    /// <summary>Reads what <see cref="ToString"/> wrote; null for anything else.</summary>
    public static Owner? TryParse(string? text) =>
        text?.Split('.') is [{ Length: > 0 } boot, { Length: > 0 } space, var pid, var start]
        && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        && long.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            ? new Owner(boot, space, id, ticks)
            : null;

    /// <summary>Whether the process still runs; null where that cannot be seen from here: another boot or machine, another PID namespace, or a /proc that
    /// hides other users' processes.</summary>
    public bool? Lives => Boot == CurrentBoot && PidNamespace == CurrentNamespace ? IsRunning() : null;

    /// <summary>Fits a label and the name of a directory.</summary>
    public override string ToString() => FormattableString.Invariant($"{Boot}.{PidNamespace}.{Pid}.{StartTicks}");

    private static (string Boot, string Namespace) Read()
    {
        try
        {
            // A UUID; without its dashes it fits a name in which dashes separate. The link reads "pid:[4026531836]".
            return (Guid.Parse(File.ReadAllText("/proc/sys/kernel/random/boot_id")).ToString("N"), string.Concat(new FileInfo("/proc/self/ns/pid").LinkTarget!.Where(char.IsAsciiDigit)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentNullException)
        {
            throw new RuntimeException($"nothing can be run here, because nobody could tell later whose it was: {e.Message}: mount /proc and /proc/sys", e);
        }
    }

    private bool? IsRunning()
    {
        try
        {
            // By a signal that is none: whoever is hidden (hidepid) is there all the same.
            Process.GetProcessById(Pid).Dispose();
            return TicksIn(File.ReadAllText($"/proc/{Pid}/stat")) == StartTicks;
        }
        catch (ArgumentException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? StartTicksOf(int pid)
    {
        try
        {
            return TicksIn(File.ReadAllText($"/proc/{pid}/stat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? TicksIn(string stat)
    {
        // The second field is the name in parentheses, which may hold blanks and parentheses itself.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        // A zombie holds its id but will never clean up.
        return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
    }
}
