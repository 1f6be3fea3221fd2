namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// Two descriptors for a shell of ours that the caller has handed nothing on under: make's job server, <c>3&lt; file</c> and <c>&lt;(…)</c> are the program's. Shells know those
/// of one digit only; where all are the caller's, two of them do not reach the program.
/// </summary>
internal static class OwnDescriptors
{
    private const int Lowest = 3;
    private const int Highest = 9;

    /// <summary>O_CLOEXEC, which .NET gives each of its own: what has it not is handed on. Source: proc(5), fdinfo, and Linux's asm-generic/fcntl.h.</summary>
    private const int ClosedByExec = 0x80000;

    private static readonly List<int> Free = [.. Enumerable.Range(Lowest, Highest - Lowest + 1).Where(IsFree)];

    /// <summary>One of them.</summary>
    public static int First => Free is [var first, ..] ? first : Highest - 1;

    /// <summary>The other.</summary>
    public static int Second => Free is [_, var second, ..] ? second : First == Highest ? Highest - 1 : Highest;

    private static bool IsFree(int descriptor)
    {
        try
        {
            const string Flags = "flags:";
            var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}").First(line => line.StartsWith(Flags, StringComparison.Ordinal))[Flags.Length..].Trim();
            return (Convert.ToInt32(flags, fromBase: 8) & ClosedByExec) != 0;
        }
        catch (IOException)
        {
            // Nothing has it.
            return true;
        }
    }
}
