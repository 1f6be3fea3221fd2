using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes;

/// <summary>Something that runs a program under a hard RAM cap without swap, and tells what became of it.</summary>
internal interface IContainerRuntime : IAsyncDisposable
{
    /// <summary>As in <c>docker</c> and <c>cgroup</c>.</summary>
    string Name { get; }

    /// <summary>For people and for the fingerprint of results, as in "docker 20.10.24, cgroup v1".</summary>
    string Description { get; }

    /// <summary>1 or 2.</summary>
    int CgroupVersion { get; }

    /// <summary>Why a worker cannot have an engine here, in one line that says what to do; null where it can.</summary>
    /// <param name="engine">One of <see cref="EngineNames"/>.</param>
    /// <param name="cancellation">Stops the question.</param>
    Task<string?> WhyNotAsync(string engine, CancellationToken cancellation) => Task.FromResult<string?>(null);

    /// <summary>Makes what an engine needs here and can be made, as an image is; does nothing where nothing is missing.</summary>
    /// <param name="engine">One of <see cref="EngineNames"/>.</param>
    /// <param name="cancellation">Stops the making.</param>
    /// <returns>Why it could not be made, in one line; null where it is there.</returns>
    Task<string?> PrepareAsync(string engine, CancellationToken cancellation) => Task.FromResult<string?>(null);

    /// <summary>Why a program cannot run in an image here, in one line that says what to do; null where it can.</summary>
    /// <param name="image">As a case names it.</param>
    /// <param name="cancellation">Stops the question.</param>
    Task<string?> WhyNoImageAsync(string image, CancellationToken cancellation) => Task.FromResult<string?>(null);

    /// <summary>
    /// Runs to the end, to the timeout or to cancellation; whichever comes, nothing of the run is left behind.
    /// </summary>
    /// <param name="spec">What to run.</param>
    /// <param name="onOutput">Gets each line of standard output as it is written.</param>
    /// <param name="cancellation">Kills the program and removes its container or cgroup.</param>
    /// <exception cref="RuntimeException">The program could not be started under the cap: a daemon that is gone, a limit that is not enforced.</exception>
    Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation);
}

/// <summary>One run. Paths mean the same inside as outside: mounts are bound under their own path.</summary>
internal sealed record ContainerSpec
{
    /// <summary>The program and its arguments. A first element of <see cref="Worker"/> stands for the worker, wherever the runtime has it.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Names the worker in <see cref="Command"/>.</summary>
    public const string Worker = "loadline-worker";

    /// <summary>Whether the program is somebody's own, by whatever name.</summary>
    public bool IsOther { get; init; }

    /// <summary>Whether the program is the worker, which runs with settings of its own.</summary>
    public bool IsWorker => !IsOther && Command[0] == Worker;

    /// <summary>Whether it is an engine's own worker, under its own path.</summary>
    public bool IsEngineWorker { get; init; }

    /// <summary>Whether its memory is read from outside: of every program but the worker's loads, which report their own.</summary>
    public bool IsWatched { get => field || !(IsWorker || IsEngineWorker); init; }

    /// <summary>Whether it is a test's body, whose process says at its end what it held: readings from outside may come too late for it.</summary>
    public bool TellsLastReading { get; init; }

    /// <summary>Gets what is read from outside of a program that is watched, as it is read; null where nobody wants it.</summary>
    public Action<MemorySample>? OnReading { get; init; }

    /// <summary>Gets each line of standard error as it is written; null where nobody wants it.</summary>
    public Action<string>? OnErrorLine { get; init; }

    /// <summary>Where the program starts; null at the root.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether a program of this machine gets all of the harness's variables, as one that a shell starts does; in an image it never does.</summary>
    public bool InheritsEnvironment { get; init; }

    /// <summary>The hard limit of RAM; swap is off.</summary>
    public required long CapBytes { get; init; }

    /// <summary>
    /// From where on the kernel slows the program down and takes back what it can, instead of killing it: memory.high of cgroup v2. Null has none. Only a bare
    /// cgroup has it: container engines do not set it.
    /// </summary>
    public long? HighBytes { get; init; }

    /// <summary>Files and folders of the host that are visible, read-only, under the same absolute path.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];

    /// <summary>
    /// Folders in which the program may write, under the same absolute path. What it makes there belongs to the user who runs the harness.
    /// </summary>
    public IReadOnlyList<string> WritableMounts { get; init; } = [];

    /// <summary>What the worker loads with: where images are, it says which one the worker runs in.</summary>
    public string Engine { get; init; } = EngineNames.Native;

    /// <summary>An image other than the worker's own; only a runtime with images has it.</summary>
    public string? Image { get; init; }

    /// <summary>How many GPUs to pass in.</summary>
    public int Gpus { get; init; }

    /// <summary>Variables beside the runtime's own.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>A program below its floor thrashes for minutes instead of dying: every run ends.</summary>
    public required TimeSpan Timeout { get; init; }
}

/// <summary>What became of a run.</summary>
/// <param name="ExitCode">The program's, 128 + signal where a signal ended it.</param>
/// <param name="KilledByCap">
/// Whether the kernel killed it for memory, or any process of a program that is not the worker: by the cgroup's own counter or the engine's flag, never by
/// the exit code alone.
/// </param>
/// <param name="TimedOut">Whether the timeout ended it.</param>
/// <param name="ErrorLines">The last lines of standard error.</param>
/// <param name="CgroupPeakBytes">The cgroup's peak seen from outside, where the runtime can read it.</param>
/// <param name="AnonymousPeakBytes">The cgroup's highest anonymous and shared memory by readings from outside; null for the worker, which reports it itself.</param>
/// <param name="AnonymousAtMostBytes">What that memory cannot have exceeded, however short a peak was; null where it reports itself or nothing bounds it.</param>
/// <param name="WhyUnread">Why there is no such reading, for a program that is not the worker.</param>
internal sealed record ContainerOutcome(
    int ExitCode,
    bool KilledByCap,
    bool TimedOut,
    IReadOnlyList<string> ErrorLines,
    long? CgroupPeakBytes = null,
    long? AnonymousPeakBytes = null,
    long? AnonymousAtMostBytes = null,
    string? WhyUnread = null)
{
    /// <summary>Whether the kernel killed a process of it for memory, and its cap was not why: its cgroup never came near it.</summary>
    public bool KilledByAnother { get; init; }

    /// <summary>When it had ended, or its time was over, as <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/> tells it: whoever takes its output may take longer. Null where nobody looked.</summary>
    public long? EndTimestamp { get; init; }

    /// <summary>What was seen of its memory by class, from outside; null where the cgroup cannot be read from here.</summary>
    public MemoryTrace? Memory { get; init; }

    /// <summary>With what was read from outside.</summary>
    /// <param name="peaks">The readings.</param>
    /// <param name="whyUnread">Why there are none; null where there are.</param>
    /// <param name="capBytes">What did not kill it has held no more.</param>
    public ContainerOutcome Watched(CgroupPeaks peaks, string? whyUnread, long capBytes) => this with
    {
        CgroupPeakBytes = peaks.Bytes ?? CgroupPeakBytes,
        AnonymousPeakBytes = peaks.AnonymousBytes,
        AnonymousAtMostBytes = peaks.AnonymousAtMostBytes(capBytes),
        WhyUnread = peaks.AnonymousBytes is null ? whyUnread : null,
    };
}

/// <summary>
/// The runtime failed, not the program in it: exit code 3. The message is one line and says what to do; reasons stand on indented lines below it. Words of a command,
/// paths and what an Engine says stand in it: none of them begins a line, nor steers a terminal.
/// </summary>
internal class RuntimeException(string message, Exception? inner = null) : Exception(Escaped(message), inner)
{
    private const string Reason = "\n  ";

    private static string Escaped(string message) => string.Join(Reason, message.Split(Reason).Select(PrintableText.Escape));
}

/// <summary>A run cannot have the GPUs that it asks for, and one without could be started.</summary>
/// <param name="message">One line that says what to do.</param>
/// <param name="inner">What the Engine said.</param>
internal sealed class NoGpuException(string message, Exception? inner = null) : RuntimeException(message, inner);

/// <summary>There is no such program where it was to run, or it may not be executed: a mistake of who named it (exit code 2), and others could be started.</summary>
/// <param name="message">One line that says what to do.</param>
/// <param name="inner">What the Engine said.</param>
internal sealed class NoProgramException(string message, Exception? inner = null) : RuntimeException(message, inner);
