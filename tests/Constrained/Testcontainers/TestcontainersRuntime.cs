using Docker.DotNet;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Images;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using Microsoft.Extensions.Logging.Abstractions;
using ContainerSpec = Loadline.Harness.Runtimes.ContainerSpec;
using DeviceRequest = Docker.DotNet.Models.DeviceRequest;

namespace Loadline.Constrained.Testcontainers;

/// <summary>
/// The containers of <see cref="DockerRuntime"/>, created, started and removed by Testcontainers and read by Docker.DotNet: what holds a budget here
/// can hold it in anybody's suite that uses them.
/// </summary>
internal sealed class TestcontainersRuntime : IContainerRuntime
{
    /// <summary>Its name for <c>LOADLINE_RUNTIME</c>.</summary>
    public const string RuntimeName = "testcontainers";

    private readonly DockerRuntime _docker;
    private readonly AgreedEndpoint _endpoint;
    private readonly DockerClient _client;

    private TestcontainersRuntime(DockerRuntime docker, AgreedEndpoint endpoint)
    {
        _docker = docker;
        _endpoint = endpoint;
        _client = endpoint.GetDockerClientBuilder().Build();
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
        // Ryuk would be pulled from a registry; the labels of our containers serve the same end.
        TestcontainersSettings.ResourceReaperEnabled = false;
        return new TestcontainersRuntime(docker, new AgreedEndpoint(new Uri(address.Host), docker.ApiVersion));
    }

    /// <inheritdoc/>
    public Task<string?> WhyNotAsync(string engine, CancellationToken cancellation) => _docker.WhyNotAsync(engine, cancellation);

    /// <inheritdoc/>
    public Task<string?> PrepareAsync(string engine, CancellationToken cancellation) => _docker.PrepareAsync(engine, cancellation);

    /// <inheritdoc/>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        var described = await _docker.DescribeAsync(spec, cancellation);
        cancellation.ThrowIfCancellationRequested();
        try
        {
            await using var container = Build(described);
            await StartAsync(container, spec, described.Image);
            return await new TestcontainersRun(_client, container.Id).ToEndAsync(spec, onOutput, cancellation);
        }
        catch (Exception e) when (e is DockerApiException or HttpRequestException or IOException)
        {
            throw new RuntimeException($"testcontainers: the Engine broke off: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return _docker.DisposeAsync();
    }

    // Never cancelled between creation and start: a container whose id Testcontainers has not yet noted is not removed with it.
    private static async Task StartAsync(IContainer container, ContainerSpec spec, string image)
    {
        try
        {
            await container.StartAsync(CancellationToken.None);
        }
        catch (DockerImageNotFoundException e)
        {
            throw new RuntimeException($"testcontainers: {DockerRuntime.NoImage(image)}", e);
        }
        catch (DockerApiException e)
        {
            throw DockerRun.CannotStart(spec, e.Message.ReplaceLineEndings(" "), e);
        }
    }

    private IContainer Build(CreateContainer described)
    {
        var builder = new ContainerBuilder(described.Image)
            .WithDockerEndpoint(_endpoint)
            .WithImagePullPolicy(PullPolicy.Never)
            .WithLogger(NullLogger.Instance)
            .WithLabel(described.Labels)
            .WithCommand([.. described.Cmd])
            .WithCreateParameterModifier(created => Hold(created, described));
        if (described.Entrypoint is { } entrypoint) builder = builder.WithEntrypoint([.. entrypoint]);
        return described.HostConfig.Mounts
            .Aggregate(builder, (b, mount) => b.WithBindMount(mount.Source, mount.Target, mount.ReadOnly ? AccessMode.ReadOnly : AccessMode.ReadWrite))
            .Build();
    }

    /// <summary>What the builder has no words for. HostConfig is changed, never replaced: the mounts are in it.</summary>
    private static void Hold(CreateContainerParameters created, CreateContainer described)
    {
        var (to, from) = (created.HostConfig!, described.HostConfig);
        created.Env = [.. described.Env];
        if (described.User is { } user) created.User = user;
        to.Memory = from.Memory;
        to.MemorySwap = from.MemorySwap;
        to.NetworkMode = from.NetworkMode;
        to.ReadonlyRootfs = from.ReadonlyRootfs;
        to.PidsLimit = from.PidsLimit;
        // Output is read as the container's log, so there has to be one, whatever the Engine's default is.
        to.LogConfig = new() { Type = "json-file" };
        to.DeviceRequests =
        [
            .. from.DeviceRequests.Select(request => new DeviceRequest
            {
                Driver = request.Driver,
                Count = request.Count,
                Capabilities = [.. request.Capabilities.Select(names => (IList<string>)[.. names])],
            }),
        ];
    }
}
