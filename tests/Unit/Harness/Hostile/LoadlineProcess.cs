using System.Diagnostics;
using System.Globalization;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>The built command line as a process of its own, with a bound on its managed heap: what needs more ends in an OutOfMemoryException.</summary>
internal static class LoadlineProcess
{
    private const int MostProcessorSeconds = 15;

    // Only for what would never end: a refusal takes a fraction of a second.
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    public static Task<(int ExitCode, string Out, string Error)> RunAsync(long heapBytes, params string[] arguments) =>
        RunAsync("", ("DOTNET_GCHeapHardLimit", heapBytes.ToString("x", CultureInfo.InvariantCulture)), arguments);

    /// <summary>The same as a step of GitHub Actions would run it.</summary>
    public static Task<(int ExitCode, string Out, string Error)> RunInStepAsync(params string[] arguments) => RunAsync("", ("GITHUB_ACTIONS", "true"), arguments);

    /// <summary>The same in a shell that has done something before it.</summary>
    public static Task<(int ExitCode, string Out, string Error)> RunAfterAsync(string shell, params string[] arguments) => RunAsync(shell, ("GITHUB_ACTIONS", null), arguments);

    private static async Task<(int ExitCode, string Out, string Error)> RunAsync(string before, (string Name, string? Value) variable, string[] arguments)
    {
        // The kernel ends what computes for longer (SIGXCPU, exit code 152): all here takes a second, on a machine that has nothing else to do.
        string[] limited = ["-c", $"{before}\nulimit -t {MostProcessorSeconds}; exec \"$0\" \"$@\"", Path.Join(AppContext.BaseDirectory, "loadline"), .. arguments];
        var start = new ProcessStartInfo("sh", limited) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Join(Path.GetDirectoryName(typeof(object).Assembly.Location), "../../.."));
        // Nothing of the step that the tests themselves may run in.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("GITHUB_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        start.Environment[variable.Name] = variable.Value;

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        ending.CancelAfter(Timeout);
        using var process = Process.Start(start)!;
        try
        {
            var error = process.StandardError.ReadToEndAsync(ending.Token);
            var output = await process.StandardOutput.ReadToEndAsync(ending.Token);
            await process.WaitForExitAsync(ending.Token);
            return (process.ExitCode, output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }
}
