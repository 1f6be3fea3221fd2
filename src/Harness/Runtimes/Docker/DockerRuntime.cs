using System.Net;
using Docker.DotNet.Models;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Containers of a Docker or Podman Engine, over its API: no command of theirs is needed.</summary>
internal sealed class DockerRuntime : IContainerRuntime
{
    /// <summary>Its name for <c>--runtime</c>.</summary>
    public const string RuntimeName = "docker";

    /// <summary>The Engine refuses less.</summary>
    private const long MinimumCapBytes = 6 * ByteSize.MiB;

    /// <summary>How many processes and threads a container may have.</summary>
    public const int PidsLimit = 1024;

    private readonly DockerEngine _engine;
    private readonly WorkerImage _image;
    private readonly SystemInfoResponse _info;
    private readonly string _workerPath;
    private readonly EngineAddress _address;
    private readonly string _runId = Guid.NewGuid().ToString("N");

    private DockerRuntime(DockerEngine engine, SystemInfoResponse info, EngineAddress address, string workerPath)
    {
        _address = address;
        _engine = engine;
        _info = info;
        _workerPath = workerPath;
        _image = new WorkerImage(engine, workerPath);
    }

    /// <inheritdoc/>
    public string Name => RuntimeName;

    /// <summary>The API version that the Engine and we speak.</summary>
    public System.Version ApiVersion => _engine.ApiVersion;

    /// <inheritdoc/>
    public string Description => $"docker {DockerEngine.OneLine(_info.ServerVersion ?? "")}, cgroup v{CgroupVersion}";

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
        var engine = await DockerEngine.ConnectAsync(address, cancellation, patience);
        try
        {
            var info = await engine.AskAsync((client, limited) => client.System.GetSystemInfoAsync(limited), cancellation);
            if (!info.MemoryLimit) throw CannotEnforce("memory", "MemoryLimit");
            if (!info.SwapLimit) throw CannotEnforce("swap", "SwapLimit");
            await LeftContainers.RemoveAsync(engine, cancellation);
            return new DockerRuntime(engine, info, address, workerPath);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>An engine that needs a library needs an image that has it.</summary>
    public async Task<string?> WhyNotAsync(string engine, CancellationToken cancellation)
    {
        if (EnginePlacement.WhyNot(engine, _workerPath) is { } whyNot) return $"docker: {whyNot}";
        return EnginePlacement.ImageOf(engine) is { } image && !await HasAsync(image, cancellation) ? $"docker: {NoImage(image)}" : null;
    }

    /// <inheritdoc/>
    public async Task<string?> PrepareAsync(string engine, CancellationToken cancellation)
    {
        // What cannot run here for another reason needs no image either.
        if (engine != EngineNames.TorchSharp || EnginePlacement.WhyNot(engine, _workerPath) is not null
            || await HasAsync(EnginePlacement.TorchSharpImage, cancellation)) return null;
        return await ImageRecipe.MakeAsync("containers/torchsharp/build.sh", _address.Host, cancellation) is { } whyNot ? $"docker: {EnginePlacement.TorchSharpImage} cannot be made: {whyNot}" : null;
    }

    /// <inheritdoc/>
    public async Task<string?> WhyNoImageAsync(string image, CancellationToken cancellation) =>
        await HasAsync(image, cancellation) ? null : $"docker: {NoImage(image)}";

    private Task<bool> HasAsync(string image, CancellationToken cancellation) => new EngineImages(_engine).HasAsync(image, cancellation);

    // As moby and podman begin it.
    private const string OfPlatform = "The requested image's platform";

    /// <inheritdoc/>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        var created = await CreateAsync(spec, cancellation);
        var id = EngineAnswer.Id(created.ID);
        try
        {
            // Whether its programs run here is theirs to show.
            if (created.Warnings?.Where(warning => warning?.StartsWith(OfPlatform, StringComparison.Ordinal) != true).ToList() is { Count: > 0 } warnings)
                throw new RuntimeException($"docker: the Engine would not hold all limits: {DockerEngine.OneLine(string.Join("; ", warnings))}");
            return await new DockerRun(_engine, id).RunAsync(spec, onOutput, cancellation);
        }
        finally
        {
            await LeftContainers.RemoveAsync(_engine, id, CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _engine.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<CreateContainerResponse> CreateAsync(ContainerSpec spec, CancellationToken cancellation)
    {
        var container = await DescribeAsync(spec, cancellation);
        try
        {
            return await CreateAsync(container, cancellation);
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.NotFound && _image.IsOwn(container.Image))
        {
            // Another harness took the image for left over, between two runs of ours.
            container.Image = await _image.MakeAgainAsync(cancellation);
            return await CreateAsync(container, cancellation);
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.NotFound)
        {
            throw new RuntimeException($"docker: {NoImage(container.Image)}", e);
        }
    }

    private Task<CreateContainerResponse> CreateAsync(CreateContainerParameters container, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        // Not cancelled once it is sent: a container whose id never arrived could not be removed.
        return _engine.AskAsync((client, limited) => client.Containers.CreateContainerAsync(container, limited), CancellationToken.None);
    }

    private async Task<CreateContainerParameters> DescribeAsync(ContainerSpec spec, CancellationToken cancellation)
    {
        if (spec.CapBytes < MinimumCapBytes)
        {
            throw new RuntimeException(
                $"docker: a cap of {ByteSize.Format(spec.CapBytes)} is below the Engine's minimum of {ByteSize.Format(MinimumCapBytes)}");
        }

        if (spec.Command[0].Length == 0 && !spec.IsWorker) throw new NoProgramException("docker: the first word of the command, its program, is empty: name one");
        spec = WithEngine(spec);
        var container = new CreateContainerParameters
        {
            Name = LeftContainers.NewName(_runId),
            Image = spec.Image ?? await _image.EnsureAsync(cancellation),
            Cmd = [.. spec.Command.Skip(1)],
            Env = [.. WorkerEnvironment.For(spec).Select(variable => $"{variable.Key}={variable.Value}")],
            Labels = LeftContainers.Labels(_runId, spec.Timeout),
            User = UserOf(spec) ?? "",
            // A terminal would merge both streams into one without frames.
            Tty = false,
            // A folder of this machine is in no image of ours.
            WorkingDir = spec.Image is null ? "" : spec.Folder ?? "",
            AttachStdout = true,
            AttachStderr = true,
            HostConfig = HostConfigOf(spec),
        };
        // An image that holds the worker names it as its entrypoint.
        if (!spec.IsWorker) container.Entrypoint = [spec.Command[0]];
        return container;
    }

    private HostConfig HostConfigOf(ContainerSpec spec) => new()
    {
        Memory = spec.CapBytes,
        // RAM and swap together: equal to the cap there is no swap; 0 would allow as much swap again.
        MemorySwap = spec.CapBytes,
        NetworkMode = "none",
        ReadonlyRootfs = true,
        PidsLimit = PidsLimit,
        // The Engine would remove the container before its state could be asked for.
        AutoRemove = false,
        // Output is read while it is written: nothing need be kept on disk, nor depends on the Engine's configuration.
        LogConfig = new LogConfig { Type = "none" },
        Mounts = BindMounts.Of(spec, BindMounts.IsRecursive(_engine.ApiVersion, _info.KernelVersion)),
        DeviceRequests = spec.Gpus > 0
            ? [new DeviceRequest { Driver = "nvidia", Count = spec.Gpus, Capabilities = [["gpu", "compute", "utility"]] }]
            : [],
    };

    /// <summary>"uid:gid" of whoever is to own what a program writes; null leaves it to the image.</summary>
    public string? UserOf(ContainerSpec spec) => spec.WritableMounts.Count > 0 && !IsRootless ? ProcessUser.Current : null;

    // Under a rootless Engine the container's root already is the user who runs it.
    private bool IsRootless => _info.SecurityOptions?.Contains("name=rootless") == true;

    /// <summary>A worker's run with what its engine needs of a container: an image, a library's folder, variables; any other spec as it is.</summary>
    /// <exception cref="RuntimeException">Something of it is not there.</exception>
    public ContainerSpec WithEngine(ContainerSpec spec) => EnginePlacement.InContainer(spec, _workerPath);

    /// <summary>Where to get an image that the Engine lacks.</summary>
    public static string NoImage(string image) => image.Split(':') is [var name and ("loadline-libtorch" or "loadline-torchsharp"), _]
        ? $"there is no image '{image}' here: make it with containers/{name["loadline-".Length..]}/build.sh"
        : $"there is no image '{image}' here: pull it, or build it as containers/README.md says";

    private static RuntimeException CannotEnforce(string what, string flag) => new(
        $"docker: the Engine cannot limit {what} (its /info says {flag} false): boot with cgroup_enable=memory swapaccount=1");
}
