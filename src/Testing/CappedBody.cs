using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Testing;

/// <summary>A body with its cap and budget: a case of the harness whose program is a child of this process.</summary>
internal sealed class CappedBody
{
    private const int NameChars = 80;

    private readonly Body _body;
    private readonly CappedOptions _options;
    private readonly BudgetCase _case;

    public CappedBody(Body body, string name, string cap, string? peakAnonymous, CappedOptions? options)
    {
        _body = body;
        _options = options ?? new CappedOptions();
        var capBytes = Size(cap, nameof(cap));
        if (capBytes < BudgetReader.FloorBytes)
            throw new ArgumentException($"cap {cap} is too small: below {ByteSize.Format(BudgetReader.FloorBytes)} .NET thrashes instead of running", nameof(cap));
        var limit = peakAnonymous is null ? (long?)null : Size(peakAnonymous, nameof(peakAnonymous));
        if (limit > capBytes) throw new ArgumentException($"peakAnonymous {peakAnonymous} is above the cap of {cap}", nameof(peakAnonymous));
        _case = new BudgetCase
        {
            Name = Shown(name),
            Checkpoint = "",
            CapBytes = capBytes,
            Expect = Outcome.Loaded,
            PeakAnonymousBytes = limit,
            Why = "",
            Timeout = _options.Timeout,
            Command = [.. Command()],
        };
    }

    // Not on the caller's synchronization context: one that waits for the result on its only thread would wait for itself.
    public Task<CappedRun> RunAsync(CancellationToken cancellation) => Task.Run(() => RunOnPoolAsync(cancellation), CancellationToken.None);

    private async Task<CappedRun> RunOnPoolAsync(CancellationToken cancellation)
    {
        await using var runtime = await OpenAsync(cancellation);
        var spec = new ContainerSpec
        {
            Command = _case.Command,
            CapBytes = _case.CapBytes,
            TellsLastReading = true,
            Image = _options.Image,
            Mounts = _options.Image is null ? [] : [Path.GetDirectoryName(_body.Assembly)!, DotnetFolder, .. _options.Mounts],
            Environment = WorkerEnvironment.Runtime,
            Timeout = _options.Timeout,
        };
        var hasReturned = false;
        var (result, _) = await CappedProgram.Told(new CaseRunner(runtime).RunAsync(_case, spec, cold: null, onEvent: e => hasReturned |= LastReading.Is(e), cancellation));
        var run = new CappedRun(result.Outcome.Name(), result.PeakAnonymousBytes, result.PeakCgroupBytes, result.WallSeconds)
        {
            PeakAnonymousAtMostBytes = result.PeakAnonymousAtMostBytes,
            Memory = result.Memory,
        };
        // Whatever ends the process before it, as a library that calls exit, ends it with what may look like a pass.
        if (result.Pass && !hasReturned) throw new BudgetMissedException($"'{_case.Name}' ended its process before it returned: what it held was not read, and what it asserts was not reached", run);
        return result.Pass ? run : throw new BudgetMissedException(WorkflowLog.Escape(FailureText.Of(result, place: null)), run);
    }

    private static string DotnetFolder => Path.GetFullPath("../../..", RuntimeEnvironment.GetRuntimeDirectory());

    /// <summary>The test assembly's own dependencies and framework, but our entry point: the test's would run all tests again.</summary>
    private IEnumerable<string> Command()
    {
        var test = Path.ChangeExtension(_body.Assembly, null);
        return
        [
            Path.Combine(DotnetFolder, "dotnet"), "exec", "--runtimeconfig", test + ".runtimeconfig.json", "--depsfile", test + ".deps.json",
            Path.Combine(Path.GetDirectoryName(_body.Assembly)!, Path.GetFileName(typeof(Child).Assembly.Location)), .. _body.CommandLine,
        ];
    }

    private Task<IContainerRuntime> OpenAsync(CancellationToken cancellation) =>
        CappedProgram.OpenAsync(_options.Image is null ? CgroupRuntime.RuntimeName : DockerRuntime.RuntimeName, cancellation);

    private static string Shown(string name)
    {
        var line = string.Join(' ', name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (line.Split("=>", 2) is [_, var lambda]) line = lambda.Trim();
        return line.Length <= NameChars ? line : line[..NameChars] + "…";
    }

    private static long Size(string text, string name) => ByteSize.TryParse(text, out var bytes)
        ? bytes
        : throw new ArgumentException($"{name} {ByteSize.Problem(text)}", name);
}
