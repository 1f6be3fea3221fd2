using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Floors;

/// <summary>What is run under one cap after another: a load whose weights are used, or a program of anybody's.</summary>
internal sealed record Probed
{
    /// <summary>
    /// What a program reads that is less than this says nothing of its weights: the share that is read again is of at least so much.
    /// </summary>
    public const long LeastReadBytes = 16 * ByteSize.MiB;

    /// <summary>Below it neither Docker nor a shell starts.</summary>
    private const long LeastProgramBytes = 8 * ByteSize.MiB;

    // Programs of others differ from run to run by more than the worker does.
    private const long ProgramStepBytes = 4 * ByteSize.MiB;

    /// <summary>The run with all of the RAM for a cap.</summary>
    public required BudgetCase Reference { get; init; }

    /// <summary>Runs it under the cap of the case that is given.</summary>
    public required Func<BudgetCase, Action<WorkerEvent>, CancellationToken, Task<CaseResult>> RunAsync { get; init; }

    /// <summary>The lowest cap to try.</summary>
    public required long LeastBytes { get; init; }

    /// <summary>What caps are whole numbers of.</summary>
    public required long StepBytes { get; init; }

    /// <summary>How often it runs with all of the RAM. Of a program the first run pays for its image and its libraries.</summary>
    public int References { get; init; } = 1;

    /// <summary>Where the floor may lie, from what it came to with all of the RAM.</summary>
    public required Func<CaseResult, long> FloorGuess { get; init; }

    /// <summary>Where the comfort may lie.</summary>
    public required Func<CaseResult, long> ComfortGuess { get; init; }

    /// <summary>What a run read again: of the run itself and the one with all of the RAM. Null where nobody can tell.</summary>
    public required Func<CaseResult, CaseResult, double?> Reread { get; init; }

    /// <summary>A load.</summary>
    /// <param name="reference">With all of the RAM for a cap, passes, and a timeout for a load that nothing disturbs.</param>
    /// <param name="path">Where the checkpoint lies, absolute.</param>
    /// <param name="runner">Runs it.</param>
    /// <param name="plannedBytes">What it takes by the plan.</param>
    public static Probed Load(BudgetCase reference, string path, CaseRunner runner, long plannedBytes) => new()
    {
        Reference = reference,
        RunAsync = async (probe, saw, cancellation) => (await runner.RunAsync(probe, path, saw, cancellation)).Result,
        LeastBytes = WorkerMemory.Of(reference.Engine).FloorBytes,
        StepBytes = ByteSize.MiB,
        FloorGuess = _ => plannedBytes,
        // What is mapped has to stay beside what the worker holds and runs.
        ComfortGuess = run => (run.MappedBytes ?? 0) + WorkerMemory.Of(reference.Engine).FloorBytes,
        Reread = (run, _) => Rereads.OfLast(run.Passes),
    };

    /// <summary>A program of anybody's: what it reads beyond what it reads with all of the RAM, it reads again.</summary>
    /// <param name="program">The program.</param>
    /// <param name="runtime">One that can run it.</param>
    /// <param name="ramBytes">All of the RAM.</param>
    public static Probed Program(OtherProgram program, IContainerRuntime runtime, long ramBytes) => new()
    {
        Reference = program.Case(ramBytes / ProgramStepBytes * ProgramStepBytes),
        RunAsync = async (probe, _, cancellation) => (await (program with { Timeout = probe.Timeout }).RunAsync(runtime, probe.CapBytes, cancellation: cancellation)).Result,
        LeastBytes = LeastProgramBytes,
        StepBytes = ProgramStepBytes,
        References = 2,
        FloorGuess = run => run.PeakAnonymousBytes ?? ramBytes / 2,
        ComfortGuess = run => run.PeakCgroupBytes ?? ramBytes / 2,
        Reread = (run, reference) => run.ReadBytes is { } read && reference.ReadBytes is { } once
            ? Math.Round((double)Math.Max(0, read - once) / Math.Max(once, LeastReadBytes), 4)
            : null,
    };
}
