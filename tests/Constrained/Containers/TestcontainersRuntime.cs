using Docker.DotNet;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Images;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Measuring;
using Loadline.Testcontainers;
using Microsoft.Extensions.Logging.Abstractions;
using ContainerSpec = Loadline.Harness.Runtimes.ContainerSpec;

namespace Loadline.Constrained.Containers;

/// <summary>
/// The suite's containers, by Testcontainers: a hard RAM cap on each, and its memory read while it runs. <see cref="RunAsync"/> is the example of
/// how to hold any container to both.
/// </summary>
internal sealed class TestcontainersRuntime : IContainerRuntime
{
    /// <summary>Its name for <c>LOADLINE_RUNTIME</c>.</summary>
    public const string RuntimeName = "testcontainers";

    private const string ApiVersion = "DOCKER_API_VERSION";

    /// <summary>From a container's end to the end of its output.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(30);

    private readonly DockerRuntime _docker;
    private readonly AgreedEndpoint _endpoint;
    private readonly WorkerImage _image;
    private readonly string _runId = Guid.NewGuid().ToString("N");

    private TestcontainersRuntime(DockerRuntime docker, AgreedEndpoint endpoint, string workerPath)
    {
        (_docker, _endpoint) = (docker, endpoint);
        _image = new WorkerImage(workerPath, endpoint);
    }

    /// <inheritdoc/>
    public string Name => RuntimeName;

    /// <inheritdoc/>
    public string Description => $"testcontainers {typeof(IContainer).Assembly.GetName().Version?.ToString(2)}, {_docker.Description}";

    /// <inheritdoc/>
    public int CgroupVersion => _docker.CgroupVersion;

    /// <summary>As <see cref="DockerRuntime.ConnectAsync"/>, which also removes what killed suites left.</summary>
    public static async Task<TestcontainersRuntime> ConnectAsync(string workerPath, CancellationToken cancellation)
    {
        var address = EngineAddress.Find();
        var docker = await DockerRuntime.ConnectAsync(workerPath, address, cancellation);
        // Tests that use Testcontainers without our endpoint are built with what a user sets in the environment; it is read once, later than here.
        if (Environment.GetEnvironmentVariable(ApiVersion) is null or "") Environment.SetEnvironmentVariable(ApiVersion, docker.ApiVersion.ToString());
        await Reaper.ConfigureAsync(address, cancellation);
        return new TestcontainersRuntime(docker, new AgreedEndpoint(address, docker.ApiVersion), workerPath);
    }

    /// <inheritdoc/>
    public Task<string?> WhyNotAsync(string engine, CancellationToken cancellation) => _docker.WhyNotAsync(engine, cancellation);

    /// <inheritdoc/>
    public Task<string?> PrepareAsync(string engine, CancellationToken cancellation) => _docker.PrepareAsync(engine, cancellation);

    /// <inheritdoc/>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        spec = _docker.WithEngine(spec);
        var errors = new Tail();
        using var output = new ConsumedLines(onOutput, errors.Add);
        try
        {
            await using var container = await DescribeAsync(spec, output, cancellation);
            await StartAsync(container, spec, cancellation);
            if (await ExitCodeAsync(container, spec.Timeout, cancellation) is not { } exitCode)
                return new ContainerOutcome(ExitCodes.Killed, KilledByCap: false, TimedOut: true, errors.Lines);

            await output.CompleteAsync(await container.GetLogsAsync(timestampsEnabled: false, ct: cancellation), EndGrace, cancellation);
            var memory = await container.MemoryAsync(cancellation);
            MustHold(spec.CapBytes, memory);
            return new ContainerOutcome((int)exitCode, IsKilled(spec, memory), TimedOut: false, errors.Lines)
            {
                CgroupPeakBytes = !spec.IsWatched ? null : memory.PeakCgroup?.Bytes,
                AnonymousPeakBytes = !spec.IsWatched || memory.WhyUnread is not null ? null : memory.SeenAnonymous.Bytes,
                AnonymousAtMostBytes = !spec.IsWatched || memory.WhyUnread is not null ? null : memory.PeakAnonymous.Bytes,
                WhyUnread = !spec.IsWatched ? null : memory.WhyUnread,
                Memory = memory.Classes,
            };
        }
        catch (Exception e) when (e is DockerApiException or HttpRequestException or IOException or TimeoutException)
        {
            throw new RuntimeException($"testcontainers: the Engine broke off: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _image.DisposeAsync();
        await _docker.DisposeAsync();
    }

    private async Task<IContainer> DescribeAsync(ContainerSpec spec, ConsumedLines output, CancellationToken cancellation)
    {
        var builder = new ContainerBuilder(spec.Image ?? await _image.EnsureAsync(cancellation))
            .WithDockerEndpoint(_endpoint)
            .WithImagePullPolicy(PullPolicy.Never)
            .WithLogger(NullLogger.Instance)
            .WithName(LeftContainers.NewName(_runId))
            .WithLabel(LeftContainers.Labels(_runId, spec.Timeout))
            .WithEnvironment(WorkerEnvironment.For(spec))
            .WithCommand([.. spec.Command.Skip(1)])
            .WithOutputConsumer(output)
            .WithMemoryCap(new MemorySize(spec.CapBytes))
            .WithMemoryGauge()
            .WithCreateParameterModifier(container => Close(container, _docker.UserOf(spec)));
        // An image that holds the worker names it as its entrypoint.
        if (!spec.IsWorker) builder = builder.WithEntrypoint(spec.Command[0]);
        if (spec.Gpus > 0) builder = builder.WithGpus(spec.Gpus);
        builder = spec.Mounts.Aggregate(builder, (with, path) => with.WithBindMount(path, path, AccessMode.ReadOnly));
        return spec.WritableMounts.Aggregate(builder, (with, path) => with.WithBindMount(path, path, AccessMode.ReadWrite)).Build();
    }

    /// <summary>What the builder has no words for: no network, nothing to write but what is mounted, few processes, a log whatever the Engine's default is.</summary>
    private static void Close(CreateContainerParameters container, string? user)
    {
        if (user is not null) container.User = user;
        var host = container.HostConfig!;
        (host.NetworkMode, host.ReadonlyRootfs, host.PidsLimit) = ("none", true, DockerRuntime.PidsLimit);
        host.LogConfig = new LogConfig { Type = "json-file" };
    }

    // Never cancelled between creation and start: a container whose id Testcontainers has not yet noted is not removed with it.
    private static async Task StartAsync(IContainer container, ContainerSpec spec, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            await container.StartAsync(CancellationToken.None);
        }
        catch (DockerImageNotFoundException e)
        {
            throw new RuntimeException($"testcontainers: {DockerRuntime.NoImage(container.Image.FullName)}", e);
        }
        catch (DockerApiException e)
        {
            throw DockerRun.CannotStart(spec, EngineException.ReasonOf(e), e);
        }
    }

    /// <summary>Null after the timeout: whoever disposes of the container kills it.</summary>
    private static async Task<long?> ExitCodeAsync(IContainer container, TimeSpan timeout, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var exit = container.GetExitCodeAsync(ending.Token);
        try
        {
            return await exit.WaitAsync(timeout, cancellation);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            await ending.CancelAsync();
            await ((Task)exit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // As the other runtimes have it: a worker says itself what became of its own processes.
    private static bool IsKilled(ContainerSpec spec, ContainerMemory memory) =>
        memory.Outcome == MemoryOutcome.Killed && (memory.ExitCode == ExitCodes.Killed || !spec.IsWorker);

    /// <summary>Testcontainers drops the warnings in which an Engine says that it dropped a limit; what is in force tells as much.</summary>
    private static void MustHold(long capBytes, ContainerMemory memory)
    {
        if (memory.Cap?.Bytes == capBytes) return;
        throw new RuntimeException($"testcontainers: the Engine would not hold {ByteSize.Format(capBytes)} without swap, but {memory.Cap?.ToString() ?? "no limit"}");
    }
}
