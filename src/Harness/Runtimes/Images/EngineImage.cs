using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>The image of a worker that loads with an engine: everything is in it, because on another machine nothing can be mounted.</summary>
/// <param name="Layers">The lowest first. Those that engines share are the same bytes, so that registries and nodes keep them once.</param>
/// <param name="Settings">How its containers start.</param>
internal sealed record EngineImage(IReadOnlyList<IImageLayer> Layers, ImageSettings Settings)
{
    /// <summary>What it is called where nobody says otherwise.</summary>
    public const string Repository = ContainerSpec.Worker;

    private const string Program = "/" + ContainerSpec.Worker;
    private const string LibtorchFolder = "/opt/libtorch";
    private const string TorchSharpFolder = "/opt/loadline-worker-torchsharp";

    /// <summary>Gathers it from what is on this machine.</summary>
    /// <param name="engine">One of <see cref="EngineNames"/>.</param>
    /// <param name="workerPath">The published worker.</param>
    /// <param name="system">The lowest layer, which has all shared libraries of a system; null takes those of this machine.</param>
    /// <param name="cancellation">Stops the gathering.</param>
    /// <exception cref="RuntimeException">Something of it is not there; the message says what to do.</exception>
    public static async Task<EngineImage> OfAsync(string engine, string workerPath, BaseArchive? system, CancellationToken cancellation)
    {
        var worker = new ImageContents { IsBase = system is null };
        await worker.AddProgramAsync(workerPath, Program, cancellation, withSystem: system is null);
        List<IImageLayer> layers = system is null ? [worker] : [system, worker];
        if (engine == EngineNames.Native) return new EngineImage(layers, SettingsOf(engine, Program));

        if (engine == EngineNames.TorchSharp && system is null) RefuseOldSystem();
        layers.Add(await LibtorchAsync(worker, withSystem: system is null, cancellation));
        if (engine == EngineNames.Libtorch) return new EngineImage(layers, SettingsOf(engine, Program, (Libtorch.Variable, LibtorchFolder)));

        var program = TorchSharpWorker.PathBeside(workerPath);
        layers.Add(FolderOf(program));
        return new EngineImage(layers, SettingsOf(engine, $"{TorchSharpFolder}/{Path.GetFileName(program)}", ("LD_LIBRARY_PATH", LibtorchFolder)));
    }

    private static void RefuseOldSystem()
    {
        if (HostLibraries.Libstdcxx >= HostLibraries.NeededByTorchSharp) return;
        throw new RuntimeException(
            $"TorchSharp needs a libstdc++ with GLIBCXX_{HostLibraries.NeededByTorchSharp}, which this machine lacks: name a system that has it with --base, as docs/image.md makes one");
    }

    private static async Task<ImageContents> LibtorchAsync(ImageContents below, bool withSystem, CancellationToken cancellation)
    {
        var folder = Libtorch.PackageFolder
            ?? throw new RuntimeException("there is no libtorch to put into an image: restore the package libtorch-cpu-linux-x64, as a build of src/Worker.TorchSharp does");
        var libtorch = new ImageContents { IsBase = false };
        // The first is what the engine opens, with all it needs; the second, which is empty, is what TorchSharp's native part was linked against.
        foreach (var name in new[] { "libtorch_cpu.so", "libtorch.so" })
        {
            await libtorch.AddProgramAsync(Path.Combine(folder, name), $"{LibtorchFolder}/{name}", cancellation, withSystem);
        }

        libtorch.LeaveOut(below);
        return libtorch;
    }

    private static ImageContents FolderOf(string program)
    {
        var folder = new ImageContents { IsBase = false };
        folder.Add(program, $"{TorchSharpFolder}/{Path.GetFileName(program)}");
        // Symbols for debuggers, which nobody brings along.
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(program)!).Where(file => Path.GetExtension(file) != ".pdb")) folder.Add(file, $"{TorchSharpFolder}/{Path.GetFileName(file)}");
        return folder;
    }

    private static ImageSettings SettingsOf(string engine, string program, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var variables = new Dictionary<string, string>(WorkerEnvironment.Runtime);
        foreach (var (name, value) in more) variables[name] = value;
        return new ImageSettings(program, variables, new Dictionary<string, string>
        {
            ["org.opencontainers.image.title"] = Repository,
            ["org.opencontainers.image.version"] = typeof(EngineImage).Assembly.GetName().Version!.ToString(3),
            ["org.opencontainers.image.licenses"] = "MIT",
            ["loadline.engine"] = engine,
        });
    }
}
