using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Gauges;

namespace Loadline.Harness.Output;

/// <summary>The memory of a cgroup by class, for people.</summary>
internal static class MemoryText
{
    /// <summary>From here on pages that are charged to others are worth a line: every program maps the C library, which somebody else has paid for.</summary>
    private const long WorthALineBytes = 32 * ByteSize.MiB;

    private const double MillisecondsPerSecond = 1000;

    /// <summary>A head, and a line for each class: its peak, and of what was killed what it held then, and how much of that was new.</summary>
    /// <param name="memory">What was seen.</param>
    /// <param name="killed">Whether the cap ended it: then the last reading is what it met. Of a program that ends by itself it shows how that gives back.</param>
    public static (string Head, IReadOnlyList<string> Lines) Classes(MemoryTrace memory, bool killed)
    {
        var when = memory.SecondsBeforeEnd is { } seconds ? $"{Number(seconds * MillisecondsPerSecond, "0.0")} ms before the kill was seen" : "at the last reading before the kill";
        var then = killed ? $", {when}, and grown in the {Number(memory.GrewSeconds * MillisecondsPerSecond, "0")} ms before" : "";
        var (peak, last, grew) = (memory.Peaks, memory.Last, memory.Grew);
        return ($"memory by class, by the counters of cgroup v{memory.CgroupVersion}: peak{then}:",
        [
            Line("anonymous", c => c.AnonymousBytes),
            Line("page cache", c => c.PageCacheBytes),
            Line("  mapped", c => c.MappedFileBytes),
            Line("  dirty", c => c.DirtyBytes),
            Line("  locked", c => c.LockedBytes),
            Line("shmem", c => c.ShmemBytes),
            Line("kernel", c => c.KernelBytes),
            Line("charged", c => c.ChargedBytes),
        ]);

        string Line(string name, Func<MemoryClasses, long?> of) =>
            $"{name,-10} {Size(of(peak)),10}{(killed ? $" {Size(of(last)),10} {Sign(of(grew)),11}" : "")}";
    }

    /// <summary>The largest processes, a line each.</summary>
    public static IEnumerable<string> Processes(MemoryTrace memory) => memory.Processes.Select(p =>
        $"{p.Id,8}  {PrintableText.Escape(p.Name),-16} {ByteSize.Format(p.AnonymousBytes),10} anonymous {ByteSize.Format(p.FileBytes),10} mapped {ByteSize.Format(p.ShmemBytes),10} shared");

    /// <summary>What the cgroup did not see, as far as that shows; null where nothing does.</summary>
    public static string? Elsewhere(MemoryTrace memory)
    {
        return memory.ElsewhereBytes is not { } bytes || bytes < WorthALineBytes ? null : $"{ByteSize.Format(bytes)} that it has mapped are charged to another cgroup, which had them in the page cache before: its cap did not hold them";
    }

    private static string Size(long? bytes) => bytes is { } value ? ByteSize.Format(value) : "-";

    private static string Sign(long? bytes) => bytes is not { } value ? "-" : value < 0 ? "-" + ByteSize.Format(-value) : "+" + ByteSize.Format(value);

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
