using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.ExceptionServices;
using Docker.DotNet;
using Docker.DotNet.Models;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Measuring;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>One container, from its start to its end.</summary>
internal sealed class DockerRun(DockerEngine engine, string id)
{
    /// <summary>Docker's OOM event may come after the container's end; this long it is waited for.</summary>
    private static readonly TimeSpan OomGrace = TimeSpan.FromSeconds(2);

    /// <summary>From the container's end, or from a kill, to the end of its streams.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(30);

    /// <summary>For who takes a line, when nobody waits for the rest.</summary>
    private static readonly TimeSpan HandingOnGrace = TimeSpan.FromSeconds(2);

    // What an Engine's refusal has in it that is a GPU's.
    private static readonly string[] WordsOfGpus = ["gpu", "nvidia", "cdi"];

    // As runc and crun say that a program is not there, or may not be executed.
    private static readonly string[] WordsOfPrograms = ["exec: \"", "executable file", NotOpened];

    private const string NotOpened = "open executable";

    private const int MostCommandChars = 200;

    private readonly Tail _errors = new();
    private Action<string>? _onError;
    private LineSplitter? _lines, _errorLines;

    /// <summary>Starts the container, hands on its output and says how it ended.</summary>
    /// <exception cref="RuntimeException">It could not be started, or the Engine broke off.</exception>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        _onError = spec.OnErrorLine;
        // Attached before the start: the first lines of a short program cannot be missed. Its end cannot either: nothing but us removes it.
        var streams = new ContainerAttachParameters { Stream = true, Stdout = true, Stderr = true };
        using var attached = await engine.AskAsync((client, limited) => client.Containers.AttachContainerAsync(id, streams, limited), cancellation);
        using var watch = ContainerWatch.Begin(id, reportsItself: !spec.IsWatched, onReading: spec.OnReading);
        await StartAsync(spec, cancellation);
        watch.Attach(id, (await InspectAsync(cancellation)).Pid);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var output = FollowOutputAsync(attached, onOutput, ending.Token);
        var end = engine.FollowAsync((client, limited) => client.Containers.WaitContainerAsync(id, limited), ending.Token);
        Task? kill = null;
        try
        {
            var timedOut = !await EndsWithinAsync(Task.WhenAny(end, BrokenOutput.Of(output)).Unwrap(), spec.Timeout, cancellation);
            var endTimestamp = Stopwatch.GetTimestamp();
            // An Engine may answer late, as where nobody takes the output that it holds: what counts is that the container ends.
            if (timedOut) kill = KillAsync();
            await BrokenOutput.EndsAsync(Task.WhenAll(end, output), EndGrace, () => new[] { _lines, _errorLines }.OfType<LineSplitter>(), cancellation)
                .WaitAsync(cancellation);
            if ((await end).Error?.Message is { Length: > 0 } error) throw new RuntimeException($"docker: the container's end is unknown: {DockerEngine.OneLine(error)}");
            var peaks = watch.Stop();
            var outcome = await OutcomeAsync(spec, timedOut, peaks.OomKills > 0, peaks.AnonymousBytes is null, cancellation);
            if (spec.IsWatched) outcome = outcome.Watched(peaks, watch.WhyUnread, spec.CapBytes);
            return outcome with { Memory = watch.Trace, EndTimestamp = endTimestamp };
        }
        catch (TimeoutException) when (kill?.Exception?.InnerException is RuntimeException refused)
        {
            throw refused;
        }
        catch (TimeoutException e)
        {
            throw new RuntimeException($"docker: the container {id[..Math.Min(12, id.Length)]} did not end its output: restart the Engine", e);
        }
        finally
        {
            await ending.CancelAsync();
            // Over tcp the stream reads without looking at the token.
            attached.Dispose();
            // Whoever takes a line may never be done with it, as a pager that waits: the container goes all the same.
            await Task.WhenAny(Task.WhenAll(end, output), Task.Delay(HandingOnGrace, CancellationToken.None));
            _ = Task.WhenAll(end, output, kill ?? Task.CompletedTask).ContinueWith(static ended => ended.Exception, TaskScheduler.Default);
        }
    }

    private async Task StartAsync(ContainerSpec spec, CancellationToken cancellation)
    {
        try
        {
            await engine.AskAsync((client, limited) => client.Containers.StartContainerAsync(id, null, limited), cancellation);
        }
        catch (EngineException e)
        {
            throw CannotStart(spec, e.Reason, e);
        }
    }

    /// <summary>What the Engine's refusal to start a container means to people.</summary>
    public static RuntimeException CannotStart(ContainerSpec spec, string reason, Exception e)
    {
        if (reason.Contains("could not select device driver", StringComparison.Ordinal))
            return new NoGpuException("docker: the Engine has no GPU driver: install nvidia-container-toolkit, then restart it", e);
        // The toolkit's own words stand at the end of a long story of the runtimes between.
        const string toolkit = "nvidia-container-cli: ";
        var said = reason.LastIndexOf(toolkit, StringComparison.Ordinal);
        if (said >= 0)
            return new NoGpuException($"docker: the Engine cannot pass in {spec.Gpus} of this machine's GPUs: {reason[(said + toolkit.Length)..].Trim()}; see what nvidia-smi shows", e);
        var whyNot = $"docker: '{PrintableText.Escape(PrintableText.Shorten(string.Join(' ', spec.Command), MostCommandChars))}' cannot be started: {reason}";
        // As of a device that the Container Device Interface does not know. Anything else is no GPU's fault, and no reason to skip what asks for one.
        var isOfGpu = spec.Gpus > 0 && WordsOfGpus.Any(word => reason.Contains(word, StringComparison.OrdinalIgnoreCase));
        if (isOfGpu) return new NoGpuException(whyNot, e);
        // What the Engine itself misses has another name.
        var namesIt = EngineAnswer.Spellings(spec.Command[0]).Any(reason.Contains) || reason.Contains(NotOpened, StringComparison.Ordinal);
        var isOfProgram = !spec.IsWorker && namesIt && WordsOfPrograms.Any(reason.Contains);
        return isOfProgram ? new NoProgramException(whyNot, e) : new RuntimeException(whyNot, e);
    }

    // Whoever takes the lines may fail, as a full disk does, and by an exception that an Engine's stream may end with, too: its words are not the Engine's.
    private async Task FollowOutputAsync(MultiplexedStream attached, Action<string> onOutput, CancellationToken cancellation)
    {
        ExceptionDispatchInfo? broken = null;
        try
        {
            await engine.FollowAsync((_, limited) => ReadOutputAsync(attached, Caught(onOutput), Caught(TakeError), limited), cancellation);
        }
        catch (Exception) when (broken is not null)
        {
            broken.Throw();
        }

        Action<string> Caught(Action<string> take) => line =>
        {
            try
            {
                take(line);
            }
            catch (Exception e)
            {
                broken = ExceptionDispatchInfo.Capture(e);
                throw;
            }
        };
    }

    private async Task ReadOutputAsync(MultiplexedStream attached, Action<string> onOutput, Action<string> onError, CancellationToken cancellation)
    {
        var (lines, errors) = (_lines, _errorLines) = (new LineSplitter(onOutput), new LineSplitter(onError));
        var buffer = new byte[16 << 10];
        while (await attached.ReadOutputAsync(buffer, 0, buffer.Length, cancellation) is { EOF: false } read)
        {
            var splitter = read.Target == MultiplexedStream.TargetStream.StandardError ? errors : lines;
            splitter.Append(buffer.AsSpan(0, read.Count));
        }

        lines.Complete();
        errors.Complete();
    }

    private void TakeError(string line)
    {
        _errors.Add(line);
        _onError?.Invoke(line);
    }

    private async Task<State> InspectAsync(CancellationToken cancellation) =>
        (await engine.AskAsync((client, limited) => client.Containers.InspectContainerAsync(id, limited), cancellation)).State
        ?? throw new RuntimeException($"docker: the Engine says nothing of the state of container {id}");

    private static async Task<bool> EndsWithinAsync(Task task, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            await task.WaitAsync(limit, cancellation);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task KillAsync()
    {
        try
        {
            await engine.AskAsync((client, limited) => client.Containers.KillContainerAsync(id, new ContainerKillParameters(), limited), CancellationToken.None);
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.Conflict)
        {
            // It ended by itself at the last moment.
        }
    }

    private async Task<ContainerOutcome> OutcomeAsync(ContainerSpec spec, bool timedOut, bool kernelKilled, bool isUnread, CancellationToken cancellation)
    {
        var state = await InspectAsync(cancellation);
        // A program that goes on without the process that the kernel took from it has not survived its cap. A worker says itself what became of its own.
        var killedByCap = !timedOut && (state.ExitCode == ExitCodes.Killed
            ? kernelKilled || state.OOMKilled || await SawOomEventAsync(state, cancellation)
            // The counter goes with the cgroup, and may not be seen from here at all: then the Engine is asked, which takes the grace.
            : !spec.IsWorker && (kernelKilled || state.OOMKilled || (isUnread && await MaySeeOomEventAsync(state, cancellation))));
        return new ContainerOutcome(EngineAnswer.ExitCode(state.ExitCode), killedByCap, timedOut, _errors.Lines);
    }

    // Of a program that has ended by itself an Engine need not be able to say more.
    private async Task<bool> MaySeeOomEventAsync(State state, CancellationToken cancellation)
    {
        try
        {
            return await SawOomEventAsync(state, cancellation);
        }
        catch (RuntimeException)
        {
            return false;
        }
    }

    /// <summary>The flag is set at the exit, which the kernel's notice of the kill may miss by a moment; the event is sent all the same.</summary>
    private async Task<bool> SawOomEventAsync(State state, CancellationToken cancellation)
    {
        var seen = false;
        var events = new ContainerEventsParameters
        {
            Since = Seconds(EngineAnswer.Time(state.StartedAt)),
            Until = Seconds(EngineAnswer.Time(state.FinishedAt) + OomGrace),
            Filters = EngineFilters.Of(("container", id), ("event", "oom")),
        };
        await engine.AskAsync((client, limited) => client.System.MonitorEventsAsync(events, new Reports<Message>(_ => seen = true), limited), cancellation);
        return seen;
    }

    /// <summary>Seconds since 1970 with a fraction, as the Engine takes times.</summary>
    private static string Seconds(DateTimeOffset time) =>
        ((time - DateTimeOffset.UnixEpoch).Ticks / (decimal)TimeSpan.TicksPerSecond).ToString("0.0000000", CultureInfo.InvariantCulture);
}
