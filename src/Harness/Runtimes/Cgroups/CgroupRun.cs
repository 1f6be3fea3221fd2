using System.ComponentModel;
using System.Diagnostics;
using Loadline.Gauges;
using Loadline.Measuring;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>One program in one cgroup, from its start to the end of everything it started.</summary>
internal sealed class CgroupRun(Cgroup cgroup, ProcessStartInfo start, ContainerSpec spec)
{
    /// <summary>From the end of all that was in the cgroup to the end of its output.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(30);

    private readonly Tail _errors = new();

    /// <summary>Starts the program, hands on its output and says how it ended.</summary>
    /// <exception cref="RuntimeException">It could not be put into the cgroup, or a counter cannot be read.</exception>
    public async Task<ContainerOutcome> RunAsync(TimeSpan timeout, Action<string> onOutput, CancellationToken cancellation)
    {
        using var watch = cgroup.Watch(reportsItself: !spec.IsWatched, spec.OnReading);
        using var process = Start();
        process.StandardInput.Close();
        // A worker tells it itself, and there is no shell that waits.
        var account = spec.IsWatched ? ShellAccount.ReadAsync(process) : Task.FromResult<ShellAccount?>(null);
        var (lines, errorLines) = (new LineSplitter(onOutput), new LineSplitter(Tell));
        var output = lines.ReadAsync(process.StandardOutput.BaseStream, CancellationToken.None);
        var errors = errorLines.ReadAsync(process.StandardError.BaseStream, CancellationToken.None);
        var (timedOut, hasOutputEnded, endTimestamp) = (false, false, 0L);
        try
        {
            await Task.WhenAny(process.WaitForExitAsync(cancellation), BrokenOutput.Of(output, errors)).Unwrap().WaitAsync(timeout, cancellation);
        }
        catch (TimeoutException)
        {
            timedOut = true;
        }
        finally
        {
            endTimestamp = Stopwatch.GetTimestamp();
            // As with the first process of a container, all end with it; their ends of the pipes close, and so the reading ends.
            await KillAsync(process);
            if (await Task.WhenAny(account, Task.Delay(EndGrace, CancellationToken.None)) != account)
                throw new RuntimeException("cgroup: nobody says how the program has ended: is /proc another PID namespace's?");
            hasOutputEnded = await EndsAsync(process, Task.WhenAll(output, errors), () => [lines, errorLines], cancellation);
        }

        // Who waits for more of its output, as a pager does, may have had the same signal.
        if (!hasOutputEnded) cancellation.ThrowIfCancellationRequested();
        if (!hasOutputEnded) throw new RuntimeException("cgroup: a process of the program has left its cgroup, and holds its output open: what it takes was not counted; end it, and start it in the foreground");

        var ended = await account;
        var exitCode = ended?.ExitCode ?? process.ExitCode;
        // The program may end with the same code, and print what the shell would; but then it was in the cgroup, and has been charged there. (A kernel of
        // version 2 before 5.19 keeps no peak: there it is believed.)
        var complaint = _errors.Lines.FirstOrDefault(line => line.StartsWith(cgroup.Folder, StringComparison.Ordinal));
        if (exitCode == CgroupStart.NotEnrolled && complaint is not null && (cgroup.PeakBytes() ?? 0) == 0)
            throw new RuntimeException($"cgroup: the program could not be put into its cgroup: {complaint}");
        // A program that goes on without the process that the kernel took from it has not survived its cap. A worker says itself what became of its own.
        var isKilled = !timedOut && (exitCode == ExitCodes.Killed || !spec.IsWorker) && cgroup.OomKills() > 0;
        // Kills are counted also where the machine had no memory left, and in a cgroup that the program made below its own, with a limit of its own.
        var peakBytes = cgroup.PeakBytes();
        var isFar = CgroupPeaks.AreFarFromCap(peakBytes, spec.CapBytes);
        var outcome = new ContainerOutcome(exitCode, isKilled && !isFar, timedOut, _errors.Lines, peakBytes) { KilledByAnother = isKilled && isFar, EndTimestamp = endTimestamp };
        var peaks = watch.Stop();
        if (spec.IsWatched) outcome = outcome.Watched(peaks, ContainerWatch.EndedFirst, spec.CapBytes);
        // Without the account what was seen of its reading may be none of it.
        var hasLostCount = spec.IsWatched && ended is null && !timedOut;
        return outcome with { Memory = watch.Trace is { } trace ? trace with { ReadBytes = hasLostCount ? null : Higher(trace.ReadBytes, ended?.ReadBytes) } : null };
    }

    private Process Start()
    {
        try
        {
            return Process.Start(start.In(cgroup))!;
        }
        catch (Win32Exception e)
        {
            // A word that is longer than the kernel takes, or no process more.
            throw new RuntimeException($"cgroup: the program cannot be started: {e.Message}", e);
        }
    }

    private static long? Higher(long? one, long? other) => one is { } a && other is { } b ? Math.Max(a, b) : one ?? other;

    private void Tell(string line)
    {
        _errors.Add(line);
        spec.OnErrorLine?.Invoke(line);
    }

    // A process that has moved to another cgroup, as a daemon's does, is not counted here, and not ended; but it may hold the pipes.
    private static async Task<bool> EndsAsync(Process process, Task output, Func<IEnumerable<LineSplitter>> splitters, CancellationToken cancellation)
    {
        try
        {
            await BrokenOutput.EndsAsync(output, EndGrace, splitters, cancellation);
            return true;
        }
        catch (TimeoutException)
        {
            process.StandardOutput.Close();
            process.StandardError.Close();
            // Whatever the closed streams make of the reads that wait.
            _ = output.ContinueWith(static ended => ended.Exception, TaskScheduler.Default);
            return false;
        }
    }

    private async Task KillAsync(Process process)
    {
        // The shell itself may not have enrolled yet.
        if (!process.HasExited) process.Kill();
        await cgroup.KillAllAsync();
        try
        {
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(EndGrace);
        }
        catch (TimeoutException)
        {
            throw new RuntimeException("cgroup: nobody says that the shell around the program has ended, which was killed: does it hang in the kernel, or does this process ignore SIGCHLD, or wait for processes that are not its own?");
        }
    }
}
