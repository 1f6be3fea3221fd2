using System.Diagnostics;
using Loadline.Gauges;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;

namespace Loadline.Benchmarks.Gpu;

/// <summary>What a program took that was watched from outside.</summary>
/// <param name="Seen">The worker's events, where it is one.</param>
/// <param name="LastLine">The last line of standard output.</param>
/// <param name="PeakAnonymousBytes">The highest RssAnon + RssShmem; null where the kernel does not tell them apart.</param>
/// <param name="PeakUsedDeviceBytes">The most that the device had in use beside what it had before; null without a GPU.</param>
internal sealed record ProcessEnd(Observation Seen, string LastLine, long? PeakAnonymousBytes, long? PeakUsedDeviceBytes);

/// <summary>A contender went wrong; the message is its own last words.</summary>
internal sealed class ContenderException(string message) : Exception(message);

/// <summary>One program from its start to its end, with the host's and the device's gauges read beside it.</summary>
internal static class MeasuredProcess
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    private static readonly IReadOnlyDictionary<string, string> NoVariables = new Dictionary<string, string>();

    /// <summary>Runs it and reads the gauges until it ends.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="gpu">The device's gauge; null reads none.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <param name="variables">Of its environment, beside those of this process.</param>
    /// <exception cref="ContenderException">It could not be started, failed, or did not end in time.</exception>
    public static async Task<ProcessEnd> RunAsync(
        IReadOnlyList<string> command, Nvml? gpu, CancellationToken cancellation, IReadOnlyDictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables ?? NoVariables) start.Environment[name] = value;
        // CUDA counts the fastest GPU first unless it is told to count as the driver does.
        start.Environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";

        var usedBefore = gpu?.UsedBytes;
        using var process = Start(start);
        var observer = new CaseObserver();
        var (lastLine, errors) = ("", new Tail());
        var reading = Task.WhenAll(
            new LineSplitter(line => { observer.Add(line); lastLine = line; }).ReadAsync(process.StandardOutput.BaseStream, cancellation),
            new LineSplitter(errors.Add).ReadAsync(process.StandardError.BaseStream, cancellation));
        var (anonymous, used) = ((long?)null, usedBefore);
        var clock = Stopwatch.StartNew();
        try
        {
            while (!process.HasExited)
            {
                anonymous = Highest(anonymous, AnonymousBytes(process.Id));
                used = Highest(used, gpu?.UsedBytes);
                if (clock.Elapsed > Timeout) throw new ContenderException($"did not end within {Timeout.TotalMinutes} minutes");
                await Task.Delay(Interval, cancellation);
            }

            await reading;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        var seen = observer.Snapshot();
        return process.ExitCode == 0
            ? new ProcessEnd(seen, lastLine, anonymous, used - usedBefore)
            : throw new ContenderException(seen.Failure?.Message ?? $"exit code {process.ExitCode}: {errors.Lines.LastOrDefault() ?? "no word"}");
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ContenderException($"{start.FileName} cannot be started: {e.Message}");
        }
    }

    private static long? AnonymousBytes(int process)
    {
        try
        {
            using var memory = ProcessMemory.Open(process);
            var reading = memory.Read();
            return reading.AnonBytes + reading.ShmemBytes;
        }
        catch (GaugeException)
        {
            // It ended between two readings, or the kernel does not tell them apart.
            return null;
        }
    }

    private static long? Highest(long? a, long? b) => a is null || b > a ? b ?? a : a;
}
