using System.Net;
using Loadline.Checkpoints;
using Loadline.Strategies.Engines;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Containers of a Docker or Podman Engine, over its API: no command of theirs is needed.</summary>
internal sealed class DockerRuntime : IContainerRuntime
{
    /// <summary>Its name for <c>--runtime</c>.</summary>
    public const string RuntimeName = "docker";

    /// <summary>The image of workers with the engine libtorch, which the worker is mounted into.</summary>
    public const string LibtorchImage = "loadline-libtorch:2.6";

    /// <summary>The Engine refuses less.</summary>
    private const long MinimumCapBytes = 6 * ByteSize.MiB;

    private readonly EngineClient _engine;
    private readonly WorkerImage _image;
    private readonly EngineInfo _info;
    private readonly string _workerPath;
    private readonly string _runId = Guid.NewGuid().ToString("N");

    private DockerRuntime(EngineClient engine, EngineInfo info, string workerPath)
    {
        _engine = engine;
        _info = info;
        _workerPath = workerPath;
        _image = new WorkerImage(engine, workerPath);
    }

    /// <inheritdoc/>
    public string Name => RuntimeName;

    /// <summary>The API version that the Engine and we speak.</summary>
    public Version ApiVersion => _engine.Version;

    /// <inheritdoc/>
    public string Description => $"docker {_info.ServerVersion}, cgroup v{CgroupVersion}";

    /// <inheritdoc/>
    public int CgroupVersion => _info.CgroupVersion == "2" ? 2 : 1;

    /// <summary>Reaches the Engine, makes sure that it can hold a cap, and removes containers whose harness is gone.</summary>
    /// <param name="workerPath">The published worker, packed into an image when a run needs it.</param>
    /// <param name="address">Where the Engine listens.</param>
    /// <param name="cancellation">Stops the attempt.</param>
    /// <param name="patience">How long a request may take that waits for nothing but the Engine; null for a minute.</param>
    /// <exception cref="RuntimeException">No Engine answers there, or it cannot enforce a limit of memory.</exception>
    public static async Task<DockerRuntime> ConnectAsync(
        string workerPath, EngineAddress address, CancellationToken cancellation, TimeSpan? patience = null)
    {
        var engine = await EngineClient.ConnectAsync(address, cancellation, patience);
        try
        {
            var info = await engine.GetAsync("/info", EngineJson.Default.EngineInfo, cancellation);
            if (!info.MemoryLimit) throw CannotEnforce("memory", "MemoryLimit");
            if (!info.SwapLimit) throw CannotEnforce("swap", "SwapLimit");
            await LeftContainers.RemoveAsync(engine, cancellation);
            return new DockerRuntime(engine, info, workerPath);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>An engine that needs a library needs an image that has it.</summary>
    public async Task<string?> WhyNotAsync(string engine, CancellationToken cancellation) =>
        engine == EngineNames.Libtorch && !await new EngineImages(_engine).HasAsync(LibtorchImage, cancellation) ? $"docker: {NoImage(LibtorchImage)}" : null;

    /// <inheritdoc/>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        var created = await CreateAsync(spec, cancellation);
        try
        {
            if (created.Warnings is { Count: > 0 } warnings)
                throw new RuntimeException($"docker: the Engine would not hold all limits: {string.Join("; ", warnings)}");
            return await new DockerRun(_engine, created.Id).RunAsync(spec, onOutput, cancellation);
        }
        finally
        {
            await LeftContainers.RemoveAsync(_engine, created.Id, CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _engine.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<Created> CreateAsync(ContainerSpec spec, CancellationToken cancellation)
    {
        var container = await DescribeAsync(spec, cancellation);
        try
        {
            return await CreateAsync(container, cancellation);
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.NotFound && _image.IsOwn(container.Image))
        {
            // Another harness took the image for left over, between two runs of ours.
            return await CreateAsync(container with { Image = await _image.MakeAgainAsync(cancellation) }, cancellation);
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.NotFound)
        {
            throw new RuntimeException($"docker: {NoImage(container.Image)}", e);
        }
    }

    private Task<Created> CreateAsync(CreateContainer container, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        // Not cancelled once it is sent: a container whose id never arrived could not be removed.
        return _engine.PostAsync("/containers/create", container, EngineJson.Default.CreateContainer, EngineJson.Default.Created, CancellationToken.None);
    }

    /// <summary>The container that holds a run, for whoever creates it; the worker's image is made if the Engine lacks it.</summary>
    /// <exception cref="RuntimeException">The Engine cannot hold so small a cap, or there is no worker.</exception>
    public async Task<CreateContainer> DescribeAsync(ContainerSpec spec, CancellationToken cancellation)
    {
        if (spec.CapBytes < MinimumCapBytes)
        {
            throw new RuntimeException(
                $"docker: a cap of {ByteSize.Format(spec.CapBytes)} is below the Engine's minimum of {ByteSize.Format(MinimumCapBytes)}");
        }

        if (spec is { IsWorker: true, Engine: EngineNames.Libtorch }) spec = Mounted(spec);
        return new CreateContainer
        {
            Image = spec.Image ?? await _image.EnsureAsync(cancellation),
            // An image that holds the worker names it as its entrypoint.
            Entrypoint = spec.IsWorker ? null : [spec.Command[0]],
            Cmd = [.. spec.Command.Skip(1)],
            Env = [.. WorkerEnvironment.For(spec).Select(variable => $"{variable.Key}={variable.Value}")],
            Labels = LeftContainers.Labels(_runId, spec.Timeout),
            // Under a rootless Engine the container's root already is the user who runs it.
            User = spec.WritableMounts.Count > 0 && !_info.IsRootless ? ProcessUser.Current : null,
            HostConfig = new HostConfig
            {
                Memory = spec.CapBytes,
                Mounts =
                [
                    .. spec.Mounts.Select(path => new Mount(path, path, ReadOnly: true)),
                    .. spec.WritableMounts.Select(path => new Mount(path, path, ReadOnly: false)),
                ],
                DeviceRequests = spec.Gpus > 0 ? [new DeviceRequest(spec.Gpus)] : [],
            },
        };
    }

    // libtorch's image stays as it is for months, while the worker changes by the hour: it comes in as the checkpoints do.
    private ContainerSpec Mounted(ContainerSpec spec)
    {
        if (!File.Exists(_workerPath)) throw new RuntimeException($"docker: there is no worker at {_workerPath}: build it first");
        var worker = Path.GetFullPath(_workerPath);
        return spec with
        {
            Image = spec.Image ?? LibtorchImage,
            Command = [worker, .. spec.Command.Skip(1)],
            Mounts = [.. spec.Mounts, worker],
            Environment = WorkerEnvironment.For(spec),
        };
    }

    /// <summary>Where to get an image that the Engine lacks.</summary>
    public static string NoImage(string image) => image.StartsWith("loadline-libtorch:", StringComparison.Ordinal)
        ? $"there is no image '{image}' here: make it with containers/libtorch/build.sh"
        : $"there is no image '{image}' here: pull it, or build it as containers/README.md says";

    private static RuntimeException CannotEnforce(string what, string flag) => new(
        $"docker: the Engine cannot limit {what} (its /info says {flag} false): boot with cgroup_enable=memory swapaccount=1");
}
