using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes;

/// <summary>The worker that loads into TorchSharp's modules: a folder with .NET and TorchSharp, and libtorch there or in its package.</summary>
internal static class TorchSharpWorker
{
    /// <summary>Names the program, whatever else is there.</summary>
    public const string Variable = "LOADLINE_TORCHSHARP_WORKER";

    private const string Name = "loadline-worker-torchsharp";

    /// <summary>Where it is: what <see cref="Variable"/> names, else in <c>worker-torchsharp</c> beside the other worker's folder.</summary>
    public static string PathBeside(string workerPath) =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
            ? Path.GetFullPath(named)
            : Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(workerPath))) ?? "/", "worker-torchsharp", Name);

    /// <summary>The folder of the libtorch that it loads; null where there is none.</summary>
    public static string? LibtorchFolder(string program)
    {
        // One for GPUs is put together beside the program; the CPU's stays in its package.
        var own = Path.GetDirectoryName(program)!;
        return File.Exists(Path.Combine(own, "libtorch_cpu.so")) ? own : Libtorch.PackageFolder;
    }

    /// <summary>Why it cannot run anywhere; null where it is all there.</summary>
    public static string? WhyNot(string workerPath)
    {
        var program = PathBeside(workerPath);
        if (!File.Exists(program)) return $"there is no worker with TorchSharp at {program}: run `dotnet publish src/Worker.TorchSharp -o artifacts/worker-torchsharp`, or let {Variable} name it";
        return LibtorchFolder(program) is null ? "there is no libtorch for TorchSharp: restore the package libtorch-cpu-linux-x64, as a build of src/Worker.TorchSharp does" : null;
    }
}
