using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes;

/// <summary>What a worker with an engine needs beside its checkpoint: its program, a library's folder, variables, and in containers an image.</summary>
internal static class EnginePlacement
{
    /// <summary>An image with Debian's libtorch, for machines that have no package of it.</summary>
    public const string LibtorchImage = "loadline-libtorch:2.6";

    /// <summary>A base whose libstdc++ is new enough for TorchSharp; program and libtorch are mounted into it.</summary>
    public const string TorchSharpImage = "loadline-torchsharp:trixie";

    /// <summary>The image that a container needs for an engine; null for the worker's own.</summary>
    public static string? ImageOf(string engine) => engine switch
    {
        EngineNames.Libtorch when Libtorch.PackageFolder is null => LibtorchImage,
        EngineNames.TorchSharp => TorchSharpImage,
        _ => null,
    };

    /// <summary>Why no container can have an engine, whatever images there are; null where one can.</summary>
    public static string? WhyNot(string engine, string workerPath) => engine == EngineNames.TorchSharp ? TorchSharpWorker.WhyNot(workerPath) : null;

    /// <summary>A worker's run in a container, with what its engine needs; any other run as it is.</summary>
    /// <exception cref="RuntimeException">Something of it is not there.</exception>
    public static ContainerSpec InContainer(ContainerSpec spec, string workerPath) => spec switch
    {
        { IsWorker: true, Engine: EngineNames.TorchSharp } => WithTorchSharp(spec, workerPath) with { Image = spec.Image ?? TorchSharpImage },
        { IsWorker: true, Engine: EngineNames.Libtorch, Image: null } when Libtorch.PackageFolder is { } folder => spec with
        {
            Mounts = [.. spec.Mounts, folder],
            Environment = new Dictionary<string, string>(spec.Environment) { [Libtorch.Variable] = folder },
        },
        { IsWorker: true, Engine: EngineNames.Libtorch } => Mounted(spec, workerPath) with { Image = spec.Image ?? LibtorchImage },
        _ => spec,
    };

    /// <summary>A worker's run on this very machine, with what its engine needs; any other run as it is.</summary>
    /// <exception cref="RuntimeException">Something of it is not there.</exception>
    public static ContainerSpec OnMachine(ContainerSpec spec, string workerPath) =>
        spec is { IsWorker: true, Engine: EngineNames.TorchSharp } ? WithTorchSharp(spec, workerPath) with { IsEngineWorker = true } : spec;

    private static ContainerSpec WithTorchSharp(ContainerSpec spec, string workerPath)
    {
        if (TorchSharpWorker.WhyNot(workerPath) is { } whyNot) throw new RuntimeException(whyNot);
        var program = TorchSharpWorker.PathBeside(workerPath);
        var (folder, libtorch) = (Path.GetDirectoryName(program)!, TorchSharpWorker.LibtorchFolder(program)!);
        return spec with
        {
            Command = [program, .. spec.Command.Skip(1)],
            Mounts = [.. spec.Mounts.Append(folder).Append(libtorch).Distinct()],
            Environment = new Dictionary<string, string>(WorkerEnvironment.For(spec)) { ["LD_LIBRARY_PATH"] = libtorch },
        };
    }

    // The image stays as it is for months, while the worker changes by the hour: it comes in as the checkpoints do.
    private static ContainerSpec Mounted(ContainerSpec spec, string workerPath)
    {
        if (!File.Exists(workerPath)) throw new RuntimeException($"docker: there is no worker at {workerPath}: build it first");
        var worker = Path.GetFullPath(workerPath);
        return spec with
        {
            Command = [worker, .. spec.Command.Skip(1)],
            Mounts = [.. spec.Mounts, worker],
            Environment = WorkerEnvironment.For(spec),
        };
    }
}
