using System.Globalization;
using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;
using Loadline.Checkpoints;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Measuring;
using ContainerSpec = Loadline.Harness.Runtimes.ContainerSpec;
using HostConfig = Docker.DotNet.Models.HostConfig;

namespace Loadline.Constrained.Testcontainers;

/// <summary>One container that Testcontainers has started, to its end. <c>IContainer</c> knows neither OOMKilled nor a log that is still written.</summary>
internal sealed class TestcontainersRun(DockerClient client, string id)
{
    /// <summary>Docker's OOM event may come after the container's end; this long it is waited for.</summary>
    private static readonly TimeSpan OomGrace = TimeSpan.FromSeconds(2);

    /// <summary>From the container's end, or from a kill, to the end of its streams.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(30);

    private readonly Tail _errors = new();

    /// <summary>Hands on the output and says how it ended.</summary>
    /// <exception cref="RuntimeException">The Engine does not hold the cap, or does not end.</exception>
    public async Task<ContainerOutcome> ToEndAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        var started = await client.Containers.InspectContainerAsync(id, cancellation);
        MustHold(spec.CapBytes, started.HostConfig!);
        var (watch, whyUnread) = !spec.IsWatched ? (null, null) : ContainerWatch.Start(id, started.State!.Pid);
        using var watching = watch;

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var output = ReadOutputAsync(onOutput, ending.Token);
        var end = client.Containers.WaitContainerAsync(id, ending.Token);
        try
        {
            var timedOut = !await EndsWithinAsync(end, spec.Timeout, cancellation);
            if (timedOut) await KillAsync();
            await Task.WhenAll(end, output).WaitAsync(EndGrace, cancellation);
            var outcome = await OutcomeAsync(timedOut, cancellation);
            return ContainerWatch.Read(outcome, watch, whyUnread);
        }
        catch (TimeoutException e)
        {
            throw new RuntimeException($"testcontainers: the container {id[..Math.Min(12, id.Length)]} did not end its output: restart the Engine", e);
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(end, output).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Testcontainers drops the warnings in which an Engine says that it dropped a limit; what is in force tells as much.</summary>
    private static void MustHold(long capBytes, HostConfig held)
    {
        if (held.Memory == capBytes && held.MemorySwap == capBytes) return;
        throw new RuntimeException(
            $"testcontainers: the Engine would not hold {ByteSize.Format(capBytes)} without swap, but {held.Memory} bytes of RAM, {held.MemorySwap} with swap");
    }

    private async Task ReadOutputAsync(Action<string> onOutput, CancellationToken cancellation)
    {
        var parameters = new ContainerLogsParameters { ShowStdout = true, ShowStderr = true, Follow = true };
        using var log = await client.Containers.GetContainerLogsAsync(id, parameters, cancellation);
        var (lines, errors) = (new LineSplitter(onOutput), new LineSplitter(_errors.Add));
        var buffer = new byte[16 << 10];
        while (await log.ReadOutputAsync(buffer, 0, buffer.Length, cancellation) is { EOF: false } read)
        {
            var splitter = read.Target == MultiplexedStream.TargetStream.StandardError ? errors : lines;
            splitter.Append(buffer.AsSpan(0, read.Count));
        }

        lines.Complete();
        errors.Complete();
    }

    private static async Task<bool> EndsWithinAsync(Task end, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            await end.WaitAsync(limit, cancellation);
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
            await client.Containers.KillContainerAsync(id, new ContainerKillParameters(), CancellationToken.None);
        }
        catch (DockerApiException e) when (e.StatusCode == HttpStatusCode.Conflict)
        {
            // It ended by itself at the last moment.
        }
    }

    private async Task<ContainerOutcome> OutcomeAsync(bool timedOut, CancellationToken cancellation)
    {
        var state = (await client.Containers.InspectContainerAsync(id, cancellation)).State!;
        var killedByCap = !timedOut && state.ExitCode == ExitCodes.Killed && (state.OOMKilled || await SawOomEventAsync(state, cancellation));
        return new ContainerOutcome((int)state.ExitCode, killedByCap, timedOut, _errors.Lines);
    }

    /// <summary>The flag is set at the exit, which the kernel's notice of the kill may miss by a moment; the event is sent all the same.</summary>
    private async Task<bool> SawOomEventAsync(State state, CancellationToken cancellation)
    {
        var seen = new Seen();
        var parameters = new ContainerEventsParameters
        {
            Since = EngineQuery.Time(At(state.StartedAt)),
            Until = EngineQuery.Time(At(state.FinishedAt) + OomGrace),
            Filters = new Dictionary<string, IDictionary<string, bool>>
            {
                ["container"] = new Dictionary<string, bool> { [id] = true },
                ["event"] = new Dictionary<string, bool> { ["oom"] = true },
            },
        };
        await client.System.MonitorEventsAsync(parameters, seen, cancellation);
        return seen.Any;
    }

    private static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);

    // Not Progress<T>, which reports on another thread and so maybe after the question is answered.
    private sealed class Seen : IProgress<Message>
    {
        public bool Any { get; private set; }

        public void Report(Message value) => Any = true;
    }
}
