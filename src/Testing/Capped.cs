using System.Runtime.CompilerServices;
using Loadline.Gauges;

namespace Loadline.Testing;

/// <summary>
/// Runs a piece of a test in a child process under a hard RAM cap without swap, and holds it to a memory budget.
/// </summary>
/// <remarks>
/// A body is a lambda that captures nothing, because it runs in another process: what it needs it takes from static members, which the child
/// initialises anew, or as a string. The child's current folder is that of the test assembly; of the test's own variables it has PATH and HOME.
/// Sizes are numbers with KiB, MiB, GiB or TiB. They are gross: .NET itself takes about 4 MiB of anonymous memory.
/// </remarks>
public static class Capped
{
    /// <summary>Runs a body to its end under the cap.</summary>
    /// <param name="body">What to run, as in <c>static () =&gt; MyLoader.Load("model.safetensors")</c>.</param>
    /// <param name="cap">The hard limit of RAM of the child, at least 32MiB.</param>
    /// <param name="peakAnonymous">The most anonymous and shared memory that it may hold at once; null holds it to the cap alone.</param>
    /// <param name="options">Where to run, and for how long.</param>
    /// <param name="cancellation">Kills the child.</param>
    /// <param name="name">Names the body in messages; the compiler gives its text.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="BudgetMissedException">The cap killed it, it threw, it did not end in time, or it held more than its budget.</exception>
    /// <exception cref="CapUnavailableException">No cap can be held on this machine; xunit.v3 takes it for a skip.</exception>
    /// <exception cref="ArgumentException">The body captures variables, or a size cannot be.</exception>
    /// <exception cref="InvalidOperationException">The runtime failed: there is no such image, for one.</exception>
    public static Task<CappedRun> RunAsync(
        Action body,
        string cap,
        string? peakAnonymous = null,
        CappedOptions? options = null,
        CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(body))] string name = "") =>
        new CappedBody(Body.Of(body), name, cap, peakAnonymous, options).RunAsync(cancellation);

    /// <inheritdoc cref="RunAsync(Action, string, string, CappedOptions, CancellationToken, string)"/>
    public static Task<CappedRun> RunAsync(
        Func<Task> body,
        string cap,
        string? peakAnonymous = null,
        CappedOptions? options = null,
        CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(body))] string name = "") =>
        new CappedBody(Body.Of(body), name, cap, peakAnonymous, options).RunAsync(cancellation);

    /// <summary>Runs a body with an argument, as in <c>static path =&gt; MyLoader.Load(path)</c>, to its end under the cap.</summary>
    /// <param name="body">What to run.</param>
    /// <param name="argument">What to give to it, on the child's command line.</param>
    /// <param name="cap">As without an argument, and so are all others.</param>
    /// <param name="peakAnonymous">The most anonymous and shared memory that it may hold at once.</param>
    /// <param name="options">Where to run, and for how long.</param>
    /// <param name="cancellation">Kills the child.</param>
    /// <param name="name">Names the body in messages.</param>
    /// <inheritdoc cref="RunAsync(Action, string, string, CappedOptions, CancellationToken, string)" path="/returns"/>
    /// <inheritdoc cref="RunAsync(Action, string, string, CappedOptions, CancellationToken, string)" path="/exception"/>
    public static Task<CappedRun> RunAsync(
        Action<string> body,
        string argument,
        string cap,
        string? peakAnonymous = null,
        CappedOptions? options = null,
        CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(body))] string name = "") =>
        new CappedBody(Body.Of(body, argument), name, cap, peakAnonymous, options).RunAsync(cancellation);

    /// <inheritdoc cref="RunAsync(Action{string}, string, string, string, CappedOptions, CancellationToken, string)"/>
    public static Task<CappedRun> RunAsync(
        Func<string, Task> body,
        string argument,
        string cap,
        string? peakAnonymous = null,
        CappedOptions? options = null,
        CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(body))] string name = "") =>
        new CappedBody(Body.Of(body, argument), name, cap, peakAnonymous, options).RunAsync(cancellation);
}

/// <summary>Where and how long a body runs.</summary>
public sealed record CappedOptions
{
    /// <summary>When the child is ended. Below its floor .NET thrashes for minutes instead of dying.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Null runs the child in a bare cgroup of this machine. With the name of an image, it runs in a container: the image needs what .NET needs
    /// (glibc, libstdc++), and gets .NET and the test assembly's folder of this machine, read-only.
    /// </summary>
    public string? Image { get; init; }

    /// <summary>Files and folders that the container sees beside those, read-only, under their own absolute paths. Without an image all is there.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];
}

/// <summary>What was measured of a body that ended.</summary>
/// <param name="Outcome"><c>loaded</c> where it ended well; <c>killed</c> by the cap, <c>timeout</c> or <c>error</c>.</param>
/// <param name="PeakAnonymousBytes">
/// The highest anonymous and shared memory that was read: from outside every 2 ms, and by the child itself as the body ended. Null where it could not be read.
/// </param>
/// <param name="PeakCgroupBytes">The highest charge, page cache included; null where the kernel does not record it.</param>
/// <param name="Seconds">From the child's start to its end.</param>
public sealed record CappedRun(string Outcome, long? PeakAnonymousBytes, long? PeakCgroupBytes, double Seconds)
{
    /// <summary>
    /// What that memory cannot have exceeded between two readings, by the kernel's own peak: a budget between the two is undecided, and missed. Null where the
    /// kernel keeps none.
    /// </summary>
    public long? PeakAnonymousAtMostBytes { get; init; }

    /// <summary>The child's memory by class, read from outside: each at its peak, and, of a body that was killed, all when the cap was met.</summary>
    public MemoryTrace? Memory { get; init; }
}
