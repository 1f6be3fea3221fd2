using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>The image of a worker that loads with an engine: everything is in it, because on another machine nothing can be mounted.</summary>
/// <param name="Layers">The lowest first. That of the worker is the same for every engine, so that registries and nodes keep it once.</param>
/// <param name="Settings">How its containers start.</param>
internal sealed record EngineImage(IReadOnlyList<ImageContents> Layers, ImageSettings Settings)
{
    /// <summary>What it is called where nobody says otherwise.</summary>
    public const string Repository = ContainerSpec.Worker;

    private const string Program = "/" + ContainerSpec.Worker;
    private const string LibtorchFolder = "/opt/libtorch";
    private const string LibtorchFile = "libtorch_cpu.so";

    /// <summary>Gathers it from what is on this machine.</summary>
    /// <param name="engine">One of <see cref="EngineNames"/>.</param>
    /// <param name="workerPath">The published worker.</param>
    /// <param name="cancellation">Stops the gathering.</param>
    /// <exception cref="RuntimeException">Something of it is not there; the message says what to do.</exception>
    public static async Task<EngineImage> OfAsync(string engine, string workerPath, CancellationToken cancellation)
    {
        if (engine == EngineNames.TorchSharp) throw NoTorchSharp();
        var worker = new ImageContents();
        await worker.AddProgramAsync(workerPath, Program, cancellation);
        return engine == EngineNames.Libtorch
            ? new EngineImage([worker, await LibtorchAsync(worker, cancellation)], SettingsOf(engine, (Libtorch.Variable, LibtorchFolder)))
            : new EngineImage([worker], SettingsOf(engine));
    }

    private static async Task<ImageContents> LibtorchAsync(ImageContents below, CancellationToken cancellation)
    {
        var folder = Libtorch.PackageFolder
            ?? throw new RuntimeException("there is no libtorch to put into an image: restore the package libtorch-cpu-linux-x64, as a build of src/Worker.TorchSharp does");
        var libtorch = new ImageContents { IsBase = false };
        await libtorch.AddProgramAsync(Path.Combine(folder, LibtorchFile), $"{LibtorchFolder}/{LibtorchFile}", cancellation);
        libtorch.LeaveOut(below);
        return libtorch;
    }

    private static ImageSettings SettingsOf(string engine, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var variables = new Dictionary<string, string>(WorkerEnvironment.Runtime);
        foreach (var (name, value) in more) variables[name] = value;
        return new ImageSettings(Program, variables, new Dictionary<string, string>
        {
            ["org.opencontainers.image.title"] = Repository,
            ["org.opencontainers.image.version"] = typeof(EngineImage).Assembly.GetName().Version!.ToString(3),
            ["org.opencontainers.image.licenses"] = "MIT",
            ["loadline.engine"] = engine,
        });
    }

    // Its natives want a newer libstdc++ than the oldest machines that build here have: what it runs in is a base of its own.
    private static RuntimeException NoTorchSharp() => new(
        "no image with TorchSharp can be written without a daemon: make its base with containers/torchsharp/build.sh, and build one FROM it with artifacts/worker-torchsharp and libtorch in it");
}
