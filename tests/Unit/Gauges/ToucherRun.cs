using System.Diagnostics;
using System.Text.Json;
using Loadline.Toucher;

namespace Loadline.Unit.Gauges;

/// <summary>Runs the program that touches memory, and reads what its gauges said.</summary>
internal static class ToucherRun
{
    public static async Task<TouchReport> RunAsync(string[] arguments, string? cgroup = null)
    {
        var toucher = Path.Join(AppContext.BaseDirectory, "Loadline.Toucher");
        // The shell puts itself into the cgroup before it becomes the program, so that every page is counted there.
        var start = cgroup is null
            ? new ProcessStartInfo(toucher, arguments)
            : new ProcessStartInfo("sh", ["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", cgroup, toucher, .. arguments]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Join(Path.GetDirectoryName(typeof(object).Assembly.Location), "../../.."));
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "2";

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(0, "the toucher said: {0}", await error);
        return JsonSerializer.Deserialize(output, TouchJson.Default.TouchReport)!;
    }
}
