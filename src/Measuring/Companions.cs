using System.Diagnostics;

namespace Loadline.Measuring;

/// <summary>
/// Processes that load the same checkpoint beside this one, in the same cgroup. Each verifies its weights and holds them until it is released, so that
/// for a while all of them hold theirs at once.
/// </summary>
internal sealed class Companions : IDisposable
{
    private readonly List<Process> _processes = [];

    /// <summary>Starts the others of a request for several processes; none where it is for one.</summary>
    public static Companions Start(LoadRequest request)
    {
        var companions = new Companions();
        try
        {
            for (var i = 1; i < request.Processes; i++) companions._processes.Add(Start(request.CompanionArguments));
            return companions;
        }
        catch
        {
            companions.Dispose();
            throw;
        }
    }

    /// <summary>Waits as a companion: the other end of standard input closes when this one may go, or when whoever started it is gone.</summary>
    public static void WaitForRelease()
    {
        using var input = Console.OpenStandardInput();
        while (input.ReadByte() >= 0)
        {
        }
    }

    /// <summary>Waits until each has loaded and verified, and returns their reports.</summary>
    /// <exception cref="CompanionException">One failed or was killed.</exception>
    public IReadOnlyList<LoadReport> WaitForReports() => [.. _processes.Select(ReadReport)];

    /// <summary>Lets them go, and waits for their end.</summary>
    /// <exception cref="CompanionException">One ended badly.</exception>
    public void Release()
    {
        foreach (var process in _processes) process.StandardInput.Close();
        foreach (var process in _processes)
        {
            process.WaitForExit();
            if (process.ExitCode != ExitCodes.Loaded) throw new CompanionException(process.ExitCode, "after it had loaded");
        }
    }

    /// <summary>Ends those that were not released.</summary>
    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill();
            process.Dispose();
        }
    }

    private static Process Start(IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return Process.Start(start)!;
    }

    // What it says before fits into the pipe, and afterwards it says nothing more: nobody waits for a reader.
    private static LoadReport ReadReport(Process process)
    {
        LoadReport? report = null;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            switch (WorkerJson.TryRead(line))
            {
                case LoadReport loaded:
                    report = loaded;
                    break;
                case VerifiedEvent when report is not null:
                    return report;
                case FailedEvent failed:
                    throw new CompanionException(ExitCodes.Infrastructure, failed.Message);
            }
        }

        process.WaitForExit();
        throw new CompanionException(process.ExitCode, "it said nothing more");
    }
}

/// <summary>A process that loaded beside this one failed.</summary>
internal sealed class CompanionException(int exitCode, string message) : Exception($"a process beside this one ended with exit code {exitCode}: {message}")
{
    /// <summary>Whether a signal that nobody can handle ended it.</summary>
    public bool WasKilled { get; } = exitCode == ExitCodes.Killed;
}
