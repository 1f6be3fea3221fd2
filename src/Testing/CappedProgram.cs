using Loadline.Gauges;
using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Choosing;

namespace Loadline.Testing;

/// <summary>Runs any program under a hard RAM cap without swap, and tells what became of it and what it took, by class of memory.</summary>
/// <remarks>
/// As <c>loadline run --cap SIZE -- COMMAND</c> does. On this machine the program starts in the test's current folder with all of its variables; in an image it
/// sees <see cref="CappedOptions.Mounts"/>. The files that its command line names are dropped from the page cache before: what lies there is charged to others.
/// </remarks>
public static class CappedProgram
{
    /// <summary>Runs a program to its end, to a kill by the cap or to the timeout: each is a result, and no exception.</summary>
    /// <param name="command">The program and its arguments, as in <c>["python3", "load.py"]</c>.</param>
    /// <param name="cap">The hard limit of RAM, as in <c>512MiB</c>.</param>
    /// <param name="options">Where to run, and for how long.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <exception cref="CapUnavailableException">No cap can be held on this machine; xunit.v3 takes it for a skip.</exception>
    /// <exception cref="ArgumentException">The command is empty, or the cap is no size.</exception>
    /// <exception cref="InvalidOperationException">There is no such program or image, it may not be executed, or the runtime failed.</exception>
    public static async Task<ProgramRun> RunAsync(IReadOnlyList<string> command, string cap, CappedOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (command.Count == 0) throw new ArgumentException("the command is empty: name a program", nameof(command));
        if (!ByteSize.TryParse(cap, out var capBytes)) throw new ArgumentException($"cap {ByteSize.Problem(cap)}", nameof(cap));
        if (capBytes < BudgetReader.FloorBytes) throw new ArgumentException($"cap {cap} is too small: the least is {ByteSize.Format(BudgetReader.FloorBytes)}", nameof(cap));
        options ??= new CappedOptions();
        var program = new OtherProgram
        {
            Command = command,
            Image = options.Image,
            Mounts = [.. options.Mounts.Select(Path.GetFullPath)],
            Timeout = options.Timeout,
        };
        // Not on the caller's synchronization context: one that waits for the result on its only thread would wait for itself.
        return await Task.Run(() => RunOnPoolAsync(program, capBytes, cancellation), CancellationToken.None).ConfigureAwait(false);
    }

    private static async Task<ProgramRun> RunOnPoolAsync(OtherProgram program, long capBytes, CancellationToken cancellation)
    {
        await using var runtime = await OpenAsync(program.RuntimeName, cancellation);
        var (result, seen) = await Told(program.RunAsync(runtime, capBytes, cancellation: cancellation));
        return new ProgramRun
        {
            Killed = result.Outcome == Outcome.Killed,
            TimedOut = result.Outcome == Outcome.Timeout,
            // A run here has one; only pods may end without.
            ExitCode = result.ExitCode!.Value,
            Seconds = result.WallSeconds,
            PeakAnonymousBytes = result.PeakAnonymousBytes,
            PeakAnonymousAtMostBytes = result.PeakAnonymousAtMostBytes,
            Memory = result.Memory,
            LastLines = seen.LastLines,
            Report = WorkflowLog.Escape(ProgramText.Of(ProgramReport.Of(program, result, runtime.Description), hasGpu: false)),
        };
    }

    /// <summary>A run whose failure to begin, or to be watched, is of a type that callers know.</summary>
    internal static async Task<CaseRun> Told(Task<CaseRun> run)
    {
        try
        {
            return await run.ConfigureAwait(false);
        }
        catch (RuntimeException e)
        {
            throw new InvalidOperationException(WorkflowLog.Escape(e.Message), ForRunners(e));
        }
    }

    // A test's runner prints what is inside as well, and what an Engine said stands there as it came.
    private static RuntimeException ForRunners(RuntimeException e) => new(WorkflowLog.Escape(e.Message));

    private static bool IsDemanded(string name)
    {
        try
        {
            return Requirements.FromEnvironment().Demands(name);
        }
        catch (InputException e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }

    internal static async Task<IContainerRuntime> OpenAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await RuntimeChooser.ChooseAsync(name, workerPath: "", cancellation).ConfigureAwait(false);
        }
        catch (RuntimeException e)
        {
            throw new CapUnavailableException(WorkflowLog.Escape(e.Message), IsDemanded(name), ForRunners(e));
        }
    }
}

/// <summary>What became of a program under a cap.</summary>
public sealed record ProgramRun
{
    /// <summary>Whether the kernel killed it for memory, by the cgroup's own count.</summary>
    public required bool Killed { get; init; }

    /// <summary>Whether its time was over.</summary>
    public required bool TimedOut { get; init; }

    /// <summary>Its own, 128 + signal where a signal ended it.</summary>
    public required int ExitCode { get; init; }

    /// <summary>From its start to its end.</summary>
    public required double Seconds { get; init; }

    /// <summary>The highest anonymous and shared memory that was read, every 2 ms; null where it could not be.</summary>
    public long? PeakAnonymousBytes { get; init; }

    /// <summary>What that cannot have exceeded between two readings; null where nothing bounds it.</summary>
    public long? PeakAnonymousAtMostBytes { get; init; }

    /// <summary>
    /// Its memory by class: each at its peak, and, of a program that was killed, all when the cap was met; with what it read from the disk. Null where its
    /// cgroup could not be read.
    /// </summary>
    public MemoryTrace? Memory { get; init; }

    /// <summary>The class of memory that met the cap; null where it was not killed, or nobody saw.</summary>
    public MemoryClass? MetBy => Killed ? Memory?.Last.Foremost : null;

    /// <summary>The last lines of its output, then those of its standard error.</summary>
    public IReadOnlyList<string> LastLines { get; init; } = [];

    /// <summary>All of this for people, as <c>loadline run</c> prints it: a message for an assertion, of which no line is a command to GitHub Actions.</summary>
    public string Report { get; init; } = "";
}
