using System.Collections.Concurrent;
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
    /// <summary>The label by which a container that was started is known for the one that was made.</summary>
    private const string Label = "loadline.gauge";

    /// <summary>128 and SIGKILL's number.</summary>
    private const int Killed = 137;

    /// <summary>Docker's OOM event may come after the container's end; this long it is waited for.</summary>
    private static readonly TimeSpan OomGrace = TimeSpan.FromSeconds(2);

    private static readonly ConditionalWeakTable<IContainer, MemoryGauge> Attached = [];

    /// <summary>Watches of containers that are made and not yet started. Those that never are end by themselves.</summary>
    private static readonly ConcurrentDictionary<string, ContainerWatch> Begun = [];

    private readonly Func<DockerClient> _connect;
    private readonly ContainerWatch _watch;
    private readonly Lock _gate = new();
    private bool _isAttached;

    private MemoryGauge(Func<DockerClient> connect, ContainerWatch watch, bool isAttached) => (_connect, _watch, _isAttached) = (connect, watch, isAttached);

    /// <summary>Looks out for the cgroup of a container that is about to be made: once it is started it may be gone again.</summary>
    public static void Expect(CreateContainerParameters container)
    {
        var name = Guid.NewGuid().ToString("N");
        container.Labels = new Dictionary<string, string>(container.Labels ?? new Dictionary<string, string>()) { [Label] = name };
        Begun[name] = ContainerWatch.Begin();
    }

    /// <summary>Looks out for the cgroup of a container that is about to be started, once more after a stop.</summary>
    public static void Expect(IContainer container)
    {
        // Of a container that is made the id is known, so that nothing has to be asked of the Engine before it is found.
        var watch = ContainerWatch.Begin(container.Id);
        Attached.AddOrUpdate(container, new MemoryGauge(static () => ClientOf(TestcontainersSettings.OS.DockerEndpointAuthConfig, Guid.Empty), watch, isAttached: false));
    }

    /// <summary>Begins to read a container that was just started; once more after a stop and a start.</summary>
    public static async Task AttachAsync(IContainer container, IContainerConfiguration configuration, CancellationToken cancellation)
    {
        DockerClient Connect() => ClientOf(configuration.DockerEndpointAuthConfig, configuration.SessionId);
        using var client = Connect();
        var started = await client.Containers.InspectContainerAsync(container.Id, cancellation);
        // A container that is started once more has no watch from before.
        var watch = started.Config?.Labels?.TryGetValue(Label, out var name) == true && Begun.TryRemove(name, out var begun) ? begun : ContainerWatch.Begin(container.Id);
        watch.Attach(container.Id, started.State?.Pid ?? 0);
        // Its thread ends with the cgroup, whoever forgets to dispose of the container.
        Attached.AddOrUpdate(container, new MemoryGauge(Connect, watch, isAttached: true));
    }

    /// <summary>A container's gauge.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public static MemoryGauge Of(IContainer container) => Attached.TryGetValue(container, out var gauge)
        ? gauge
        : throw new InvalidOperationException("the container has no memory gauge: call WithMemoryGauge() on its builder, after any WithStartupCallback, or on what Build() returns where the builder is a module's with a startup callback of its own, and start it");

    /// <summary>What was seen until now.</summary>
    public async Task<ContainerMemory> ReadAsync(string id, CancellationToken cancellation)
    {
        using var client = _connect();
        var container = await client.Containers.InspectContainerAsync(id, cancellation);
        if (container is not { State: { } state, HostConfig: { } host }) throw new InvalidOperationException($"the Engine says nothing of container {id}");
        Attach(id, state.Pid);

        // The last reading of a program that has ended is the kernel's own peak; what runs is read on.
        var peaks = state.Running ? _watch.Peaks : _watch.Stop();
        var whyUnread = container.RestartCount > 0 ? $"the Engine restarted the container, {container.RestartCount} times until now, and only its first run was read"
            : peaks.AnonymousBytes is null ? _watch.WhyUnread ?? ContainerWatch.EndedFirst
            : null;
        if (whyUnread is not null) peaks = peaks with { AnonymousBytes = null, Bytes = null };
        var cap = host.Memory > 0 && host.MemorySwap == host.Memory ? new MemorySize(host.Memory) : (MemorySize?)null;
        if (state.Running) return new ContainerMemory(MemoryOutcome.Running, exitCode: null, cap, peaks, peaks.AnonymousBoundBytes, whyUnread);
        // A program that goes on without the process that the kernel took from it has not survived its cap.
        // The Engine's flag and its event are of any process; the event is asked for where nothing else can tell, since it takes a grace.
        var killed = peaks.OomKills > 0 || state.OOMKilled
            || (state.ExitCode == Killed && await SawOomEventAsync(client, id, state, cancellation))
            || (state.ExitCode != Killed && whyUnread is not null && await MaySeeOomEventAsync(client, id, state, cancellation));
        return new ContainerMemory(killed ? MemoryOutcome.Killed : MemoryOutcome.Exited, state.ExitCode, cap, peaks, peaks.AnonymousAtMostBytes(cap?.Bytes), whyUnread)
        {
            Classes = whyUnread is null ? _watch.Trace : null,
        };
    }

    private void Attach(string id, long pid)
    {
        lock (_gate)
        {
            if (!_isAttached) _watch.Attach(id, pid);
            _isAttached = true;
        }
    }

    // Of a container that has ended by itself an Engine need not be able to say more.
    private static async Task<bool> MaySeeOomEventAsync(DockerClient client, string id, State state, CancellationToken cancellation)
    {
        try
        {
            return await SawOomEventAsync(client, id, state, cancellation);
        }
        catch (DockerApiException)
        {
            return false;
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

    private static DockerClient ClientOf(IDockerEndpointAuthenticationConfiguration endpoint, Guid session) => endpoint.GetDockerClientBuilder(session).Build();

    // Not Progress<T>, which reports on another thread and so maybe after the question is answered.
    private sealed class Seen : IProgress<Message>
    {
        public bool Any { get; private set; }

        public void Report(Message value) => Any = true;
    }
}
