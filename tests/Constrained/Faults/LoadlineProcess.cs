using System.Diagnostics;
using Loadline.Harness.Making;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;

namespace Loadline.Constrained.Faults;

/// <summary>The command line as a process of its own, which a test can kill.</summary>
internal sealed class LoadlineProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private LoadlineProcess(Process process)
    {
        (_process, _error) = (process, process.StandardError.ReadToEndAsync());
        Owner = Owner.Of(process.Id)!;
    }

    /// <summary>Whom its containers and cgroups belong to.</summary>
    public Owner Owner { get; }

    public static LoadlineProcess Start(string cache, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "loadline"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Join(Path.GetDirectoryName(typeof(object).Assembly.Location), "../../.."));
        start.Environment[WorkerBinary.Variable] = WorkerBinary.Find();
        start.Environment[CheckpointCache.Variable] = cache;
        return new LoadlineProcess(Process.Start(start)!);
    }

    /// <summary>Reads its output up to a line that contains a text.</summary>
    public async Task ReadToAsync(string text, CancellationToken cancellation)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal)) return;
        }

        throw new InvalidOperationException($"loadline ended without '{text}': {await _error}");
    }

    /// <summary>Waits for its end.</summary>
    public async Task<(int ExitCode, string Error)> EndAsync(CancellationToken cancellation)
    {
        await _process.StandardOutput.ReadToEndAsync(cancellation);
        await _process.WaitForExitAsync(cancellation);
        return (_process.ExitCode, await _error);
    }

    /// <summary>SIGKILL: it can clean up nothing.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellation);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
