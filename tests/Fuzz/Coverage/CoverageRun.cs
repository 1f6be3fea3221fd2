using System.Globalization;
using SharpFuzz;

namespace Loadline.Fuzz.Coverage;

/// <summary>
/// One input after another, as afl-fuzz hands them over, on an instrumented copy of the library: what breaks a rule is an exception, and so
/// a crash.
/// </summary>
internal static class CoverageRun
{
    private static readonly TimeSpan MaxProcessorTime = TimeSpan.FromSeconds(2);

    /// <summary>Serves afl-fuzz until it goes; without it, tries what the standard input has.</summary>
    /// <param name="target">What is tried.</param>
    /// <param name="scratch">A folder below which each of its processes makes one of its own.</param>
    public static int Run(CoverageTarget target, string scratch)
    {
        var own = Directory.CreateDirectory(Path.Combine(scratch, Environment.ProcessId.ToString(CultureInfo.InvariantCulture))).FullName;
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var input = new MemoryStream();
            stream.CopyTo(input);
            var before = Environment.CpuUsage.TotalTime;
            Try(target, input.ToArray(), own);
            var took = Environment.CpuUsage.TotalTime - before;
            if (took > MaxProcessorTime) throw new BrokenRuleException($"it took {took.TotalSeconds:0.0} s of processor time");
        });
        return 0;
    }

    /// <summary>Tries one input.</summary>
    /// <exception cref="BrokenRuleException">It broke what <see cref="Trial"/> holds.</exception>
    public static Fate Try(CoverageTarget target, byte[] input, string scratch)
    {
        // The way of loading follows from the input, so that the same one does the same.
        var way = input.Aggregate(0L, (hash, value) => (hash * 31 + value) & int.MaxValue);
        return Trial.Run(target.Write(input, scratch), way, scratch);
    }
}
