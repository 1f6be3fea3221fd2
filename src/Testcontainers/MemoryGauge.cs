using System.Globalization;
using System.Runtime.CompilerServices;
using Docker.DotNet;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using Loadline.Gauges;

namespace Loadline.Testcontainers;

/// <summary>Reads one container's cgroup from its start on. The Engine's own statistics come once a second.</summary>
internal sealed class MemoryGauge
{
    private const string EndedFirst = "the program ended before its cgroup could be read";

    /// <summary>128 and SIGKILL's number.</summary>
    private const int Killed = 137;

    /// <summary>Docker's OOM event may come after the container's end; this long it is waited for.</summary>
    private static readonly TimeSpan OomGrace = TimeSpan.FromSeconds(2);

    private static readonly ConditionalWeakTable<IContainer, MemoryGauge> Attached = [];

    private readonly IContainerConfiguration _configuration;
    private readonly CgroupWatch? _watch;
    private readonly string? _whyNot;

    private MemoryGauge(IContainerConfiguration configuration, CgroupWatch? watch, string? whyNot) =>
        (_configuration, _watch, _whyNot) = (configuration, watch, whyNot);

    /// <summary>Begins to read a container that was just started; once more after a stop and a start.</summary>
    public static async Task AttachAsync(IContainer container, IContainerConfiguration configuration, CancellationToken cancellation)
    {
        using var client = ClientOf(configuration);
        var state = (await client.Containers.InspectContainerAsync(container.Id, cancellation)).State;
        var (watch, whyNot) = Watch(container.Id, state?.Pid ?? 0);
        // Its thread ends with the cgroup, whoever forgets to dispose of the container.
        Attached.AddOrUpdate(container, new MemoryGauge(configuration, watch, whyNot));
    }

    /// <summary>A container's gauge.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public static MemoryGauge Of(IContainer container) => Attached.TryGetValue(container, out var gauge)
        ? gauge
        : throw new InvalidOperationException("the container has no memory gauge: call WithMemoryGauge() on its builder, after any WithStartupCallback, and start it");

    /// <summary>What was seen until now.</summary>
    public async Task<ContainerMemory> ReadAsync(string id, CancellationToken cancellation)
    {
        using var client = ClientOf(_configuration);
        var container = await client.Containers.InspectContainerAsync(id, cancellation);
        if (container is not { State: { } state, HostConfig: { } host }) throw new InvalidOperationException($"the Engine says nothing of container {id}");

        var peaks = _watch?.Peaks ?? new CgroupPeaks(null, null);
        var whyUnread = peaks.AnonymousBytes is null ? _whyNot ?? EndedFirst : null;
        var cap = host.Memory > 0 && host.MemorySwap == host.Memory ? new MemorySize(host.Memory) : (MemorySize?)null;
        if (state.Running) return new ContainerMemory(MemoryOutcome.Running, exitCode: null, cap, peaks, whyUnread);
        var killed = state.ExitCode == Killed && (state.OOMKilled || await SawOomEventAsync(client, id, state, cancellation));
        return new ContainerMemory(killed ? MemoryOutcome.Killed : MemoryOutcome.Exited, state.ExitCode, cap, peaks, whyUnread);
    }

    private static (CgroupWatch? Watch, string? WhyNot) Watch(string id, long pid)
    {
        // The Engine keeps no process id of a container that has ended.
        if (pid == 0) return (null, EndedFirst);
        try
        {
            var memory = CgroupMemory.OpenOf((int)pid);
            // The Engine may run on another machine, where the same number is somebody else's. Whatever names the cgroup puts the container's id into it.
            if (memory.Folder.Contains(id, StringComparison.Ordinal)) return (CgroupWatch.Start(memory), null);
            memory.Dispose();
            return (null, "the Engine's processes cannot be seen from here: run the test on the Engine's machine");
        }
        catch (Exception e) when (e is GaugeException or IOException or UnauthorizedAccessException)
        {
            return (null, $"the container's cgroup cannot be read from here: {e.Message}");
        }
    }

    /// <summary>The flag is set at the exit, which the kernel's notice of the kill may miss by a moment; the event is sent all the same.</summary>
    private static async Task<bool> SawOomEventAsync(DockerClient client, string id, State state, CancellationToken cancellation)
    {
        var seen = new Seen();
        var events = new ContainerEventsParameters
        {
            Since = Seconds(At(state.StartedAt)),
            Until = Seconds(At(state.FinishedAt) + OomGrace),
            Filters = new Dictionary<string, IDictionary<string, bool>>
            {
                ["container"] = new Dictionary<string, bool> { [id] = true },
                ["event"] = new Dictionary<string, bool> { ["oom"] = true },
            },
        };
        await client.System.MonitorEventsAsync(events, seen, cancellation);
        return seen.Any;
    }

    private static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);

    private static string Seconds(DateTimeOffset time) =>
        ((time - DateTimeOffset.UnixEpoch).Ticks / (decimal)TimeSpan.TicksPerSecond).ToString("0.0000000", CultureInfo.InvariantCulture);

    private static DockerClient ClientOf(IContainerConfiguration configuration) =>
        configuration.DockerEndpointAuthConfig.GetDockerClientBuilder(configuration.SessionId).Build();

    // Not Progress<T>, which reports on another thread and so maybe after the question is answered.
    private sealed class Seen : IProgress<Message>
    {
        public bool Any { get; private set; }

        public void Report(Message value) => Any = true;
    }
}
