using System.Net;
using Loadline.Measuring;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>One container, from its start to its end.</summary>
internal sealed class DockerRun(EngineClient engine, string id)
{
    /// <summary>Docker's OOM event may come after the container's end; this long it is waited for.</summary>
    private static readonly TimeSpan OomGrace = TimeSpan.FromSeconds(2);

    /// <summary>From the container's end, or from a kill, to the end of its streams.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(30);

    private readonly Tail _errors = new();

    /// <summary>Starts the container, hands on its output and says how it ended.</summary>
    /// <exception cref="RuntimeException">It could not be started, or the Engine broke off.</exception>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        // Attached and waited for before the start: neither the first lines nor the end of a short program can be missed.
        using var attached = await engine.OpenAsync(HttpMethod.Post, $"/containers/{id}/attach?stream=1&stdout=1&stderr=1", null, cancellation);
        using var waiting = await engine.OpenAsync(HttpMethod.Post, $"/containers/{id}/wait?condition=next-exit", null, cancellation);
        await StartAsync(spec, cancellation);
        var (watch, whyUnread) = spec.IsWorker ? (null, null) : ContainerWatch.Start(id, (await InspectAsync(cancellation)).Pid);
        using var watching = watch;

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var output = ReadOutputAsync(attached, onOutput, ending.Token);
        var end = engine.ReadAsync(waiting, EngineJson.Default.Waited, ending.Token);
        try
        {
            var timedOut = !await EndsWithinAsync(end, spec.Timeout, cancellation);
            if (timedOut) await KillAsync();
            await Task.WhenAll(end, output).WaitAsync(EndGrace, cancellation);
            if ((await end).Error?.Message is { Length: > 0 } error) throw new RuntimeException($"docker: the container's end is unknown: {error}");
            var outcome = await OutcomeAsync(timedOut, cancellation);
            return ContainerWatch.Read(outcome, watch, whyUnread);
        }
        catch (TimeoutException e)
        {
            throw new RuntimeException($"docker: the container {id[..Math.Min(12, id.Length)]} did not end its output: restart the Engine", e);
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(end, output).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StartAsync(ContainerSpec spec, CancellationToken cancellation)
    {
        try
        {
            await engine.SendAsync(HttpMethod.Post, $"/containers/{id}/start", cancellation);
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
            return new RuntimeException("docker: the Engine has no GPU driver: install nvidia-container-toolkit, then restart it", e);
        // The toolkit's own words stand at the end of a long story of the runtimes between.
        const string toolkit = "nvidia-container-cli: ";
        var said = reason.LastIndexOf(toolkit, StringComparison.Ordinal);
        return new RuntimeException(
            said >= 0
                ? $"docker: the Engine cannot pass in {spec.Gpus} of this machine's GPUs: {reason[(said + toolkit.Length)..].Trim()}; see what nvidia-smi shows"
                : $"docker: '{string.Join(' ', spec.Command)}' cannot be started: {reason}",
            e);
    }

    private Task ReadOutputAsync(HttpResponseMessage attached, Action<string> onOutput, CancellationToken cancellation) => engine.ReadAsync(
        attached,
        stream => LogFrames.ReadAsync(stream, new LineSplitter(onOutput), new LineSplitter(_errors.Add), cancellation),
        cancellation);

    private async Task<ContainerState> InspectAsync(CancellationToken cancellation) =>
        (await engine.GetAsync($"/containers/{id}/json", EngineJson.Default.Inspected, cancellation)).State;

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
            await engine.SendAsync(HttpMethod.Post, $"/containers/{id}/kill", CancellationToken.None);
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.Conflict)
        {
            // It ended by itself at the last moment.
        }
    }

    private async Task<ContainerOutcome> OutcomeAsync(bool timedOut, CancellationToken cancellation)
    {
        var state = await InspectAsync(cancellation);
        var killedByCap = !timedOut && state.ExitCode == ExitCodes.Killed && (state.OOMKilled || await SawOomEventAsync(state, cancellation));
        return new ContainerOutcome(state.ExitCode, killedByCap, timedOut, _errors.Lines);
    }

    /// <summary>The flag is set at the exit, which the kernel's notice of the kill may miss by a moment; the event is sent all the same.</summary>
    private async Task<bool> SawOomEventAsync(ContainerState state, CancellationToken cancellation)
    {
        var filters = EngineQuery.Filters(("container", id), ("event", "oom"));
        var path = $"/events?since={EngineQuery.Time(state.StartedAt)}&until={EngineQuery.Time(state.FinishedAt + OomGrace)}&filters={filters}";
        using var events = await engine.OpenAsync(HttpMethod.Get, path, null, cancellation);
        // The filters leave only the event that is asked for: one byte of an answer is a yes.
        return await engine.ReadAsync(events, async stream => await stream.ReadAsync(new byte[1], cancellation) > 0, cancellation);
    }
}
