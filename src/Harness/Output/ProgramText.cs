using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Output;

/// <summary>A program under a cap, for people.</summary>
internal static class ProgramText
{
    /// <summary>A sentence, then its memory by class, then what this cannot tell.</summary>
    /// <param name="report">What became of it.</param>
    /// <param name="hasGpu">Whether this machine has a GPU, whose memory no cgroup counts.</param>
    public static string Of(ProgramReport report, bool hasGpu)
    {
        List<string> lines = [$"'{PrintableText.Escape(string.Join(' ', report.Command))}' {Became(report)}; {Read(report)}; {report.Runtime}"];
        if (report.Memory is { } memory)
        {
            var (head, classes) = MemoryText.Classes(memory, report.Killed);
            lines.Add($"  {head}");
            lines.AddRange(classes.Select(line => $"    {line}"));
            if (Waited(report, memory) is { } waited) lines.Add($"  {waited}");
            if (report.Killed && memory.Processes.Count > 0)
            {
                lines.Add("  the largest processes then:");
                lines.AddRange(MemoryText.Processes(memory).Select(line => $"    {line}"));
            }

            if (MemoryText.Elsewhere(memory) is { } elsewhere) lines.Add($"  {elsewhere}");
        }
        else if (report.WhyUnread is { } whyUnread) lines.Add($"  no memory by class: {whyUnread}");

        if (report.Cold == false) lines.Add("  the files that it names were in the page cache in part: what was there before is charged to others");
        if (hasGpu) lines.Add("  memory of GPUs is not in these figures: the cgroup's memory controller does not count it, see nvidia-smi");
        return string.Join("\n", lines);
    }

    private static string? Waited(ProgramReport report, MemoryTrace memory)
    {
        var stalled = memory.StalledSeconds is { } seconds ? $"some process waited {seconds:0.00} s for memory" : null;
        return report.HighBytes is not { } high ? stalled : $"slowed down {memory.HighEvents ?? 0} times at memory.high of {SizeText.InWords(high)}; {stalled ?? "pressure is not counted here"}";
    }

    private static string Became(ProgramReport report)
    {
        var cap = $"under {SizeText.InWords(report.CapBytes)}";
        if (report.Killed && report.ExitCode != ExitCodes.Killed)
            return $"went on when the cap killed a process of it, and ended with exit code {report.ExitCode} {cap}, after {report.Seconds:0.0} s";
        if (report.Killed) return $"was killed by the cap {cap}, after {report.Seconds:0.0} s{(report.Memory is { } memory ? $": {memory.Last.Met()}" : "")}";
        return report.TimedOut ? $"had not ended after {report.Seconds:0.0} s {cap}" : $"ended with exit code {report.ExitCode} {cap}, after {report.Seconds:0.0} s";
    }

    private static string Read(ProgramReport report)
    {
        var peak = report.PeakAnonymousBytes is { } bytes
            ? $"anonymous and shared memory peaked at {ByteSize.Format(bytes)}{(report.PeakAnonymousAtMostBytes - bytes >= ByteSize.MiB ? $", at most {ByteSize.Format(report.PeakAnonymousAtMostBytes!.Value)}" : "")}"
            : "its memory could not be read";
        return report.ReadBytes is { } read ? $"{peak}; {ByteSize.Format(read)} read from the disk" : peak;
    }
}
