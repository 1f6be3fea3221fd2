using System.Diagnostics;
using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Unit.Worker;

/// <summary>The published worker, run without a cap.</summary>
internal static class WorkerProcess
{
    public static (int ExitCode, List<WorkerEvent> Events) Run(params string[] arguments) => Run(new Dictionary<string, string>(), arguments);

    public static (int ExitCode, List<WorkerEvent> Events) Run(IReadOnlyDictionary<string, string> variables, params string[] arguments)
    {
        var start = new ProcessStartInfo(WorkerBinary.Find(), arguments) { RedirectStandardOutput = true };
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        return (process.ExitCode, [.. lines.Select(line => WorkerJson.TryRead(line) ?? throw new InvalidDataException($"no event: {line}"))]);
    }
}
