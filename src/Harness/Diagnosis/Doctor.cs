using System.Runtime.InteropServices;
using Loadline.Gauges;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Diagnosis;

/// <summary>One thing that was looked for.</summary>
/// <param name="What">Its name.</param>
/// <param name="Found">Whether it is there.</param>
/// <param name="Detail">What was found; where nothing was, why, and what to do.</param>
/// <param name="IsRuntime">Whether it can hold a cap.</param>
internal sealed record Finding(string What, bool Found, string Detail, bool IsRuntime = false)
{
    public override string ToString() => $"{(Found ? "ok" : "--"),-4}{What,-16}{Detail}";
}

/// <summary>Looks for everything that a run may need.</summary>
internal sealed class Doctor(HarnessServices services)
{
    /// <summary>The finding that a run needs beside a runtime.</summary>
    public const string Worker = "worker";

    /// <summary>Everything, in the order in which one would install it.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellation) =>
    [
        Machine(),
        Cgroups(),
        await RuntimeAsync("docker", cancellation),
        await RuntimeAsync("cgroup", cancellation),
        TryFind(Worker, services.FindWorker),
        Gpu(),
        Torch(),
        CLibraries(),
        TorchSharp(),
        Cache(),
    ];

    private Finding Machine()
    {
        var (ramBytes, limitBytes) = (MemoryLimit.PhysicalBytes(), services.RamLimitBytes());
        var limit = limitBytes < ramBytes ? $", of which this process can have {ByteSize.Format(limitBytes)}" : "";
        return new Finding("machine", true, $"{Environment.ProcessorCount} cores, {ByteSize.Format(ramBytes)} of RAM{limit}, kernel {RunEnvironment.KernelRelease()}");
    }

    private static Finding Cgroups()
    {
        if (File.Exists("/sys/fs/cgroup/cgroup.controllers")) return new Finding("cgroups", true, "v2");
        return Directory.Exists("/sys/fs/cgroup/memory")
            ? new Finding("cgroups", true, "v1, with the memory controller")
            : new Finding("cgroups", false, "no memory controller under /sys/fs/cgroup: mount cgroup2 there, or start this container with its own");
    }

    private async Task<Finding> RuntimeAsync(string name, CancellationToken cancellation)
    {
        try
        {
            var worker = TryFind(Worker, services.FindWorker);
            await using var runtime = await services.OpenRuntime(name, worker.Found ? worker.Detail : "", cancellation);
            var detail = runtime.Description;
            if (await runtime.WhyNotAsync(EngineNames.Libtorch, cancellation) is { } whyNot) detail += $"; not for the engine {EngineNames.Libtorch}: {whyNot}";
            if (worker.Found && await runtime.WhyNotAsync(EngineNames.TorchSharp, cancellation) is { } whyNoModule) detail += $"; not for the engine {EngineNames.TorchSharp}: {whyNoModule}";
            if (services.Nvidia.Gpus > 0 && worker.Found && await GpuProbe.WhyNotAsync(runtime, 1, cancellation) is { } whyNoGpu) detail += $"; not for GPUs: {whyNoGpu}";
            return new Finding($"runtime {name}", true, detail, IsRuntime: true);
        }
        catch (RuntimeException e)
        {
            return new Finding($"runtime {name}", false, e.Message, IsRuntime: true);
        }
    }

    private static Finding TryFind(string what, Func<string> find)
    {
        try
        {
            return new Finding(what, true, find());
        }
        catch (RuntimeException e)
        {
            return new Finding(what, false, e.Message);
        }
    }

    private Finding Gpu()
    {
        var nvidia = services.Nvidia;
        var library = NativeLibrary.TryLoad("libcuda.so.1", out _);
        var shown = $"{(nvidia.Gpus > 1 ? $"{nvidia.Gpus} GPUs, the first: " : "")}{nvidia.Gpu}, driver {nvidia.Driver ?? "of an unknown version"}";
        return (nvidia.Gpus > 0, library) switch
        {
            (true, true) => new Finding("GPU", true, shown),
            (true, false) => new Finding("GPU", false, $"{shown}, but no libcuda.so.1: install the driver's compute libraries (Debian: libcuda1), or let LD_LIBRARY_PATH name their folder"),
            // Under WSL the driver is a library without device files.
            (false, true) => new Finding("GPU", true, "libcuda.so.1"),
            (false, false) => new Finding("GPU", false, "no NVIDIA driver (no /dev/nvidia0, no libcuda.so.1): install it for cuda:N; sim:CAPACITY stands in for a GPU"),
        };
    }

    private static Finding Torch() => new(EngineNames.Libtorch, Libtorch.TryFind(out var found), found);

    private static Finding CLibraries() => new(
        "C libraries",
        HostLibraries.Glibc is not null,
        $"{(HostLibraries.Glibc is { } glibc ? $"glibc {glibc}" : "no glibc")}, libstdc++ {(HostLibraries.Libstdcxx is { } cxx ? $"with GLIBCXX_{cxx}" : "missing")}"
            + (HostLibraries.WhyNoTorchSharp() is null ? "" : $"; TorchSharp needs GLIBCXX_{HostLibraries.NeededByTorchSharp}, and runs in {EnginePlacement.TorchSharpImage} under docker"));

    private Finding TorchSharp()
    {
        var worker = TryFind(Worker, services.FindWorker);
        if (!worker.Found) return new Finding("TorchSharp", false, "its worker is built with the other one");
        var program = TorchSharpWorker.PathBeside(worker.Detail);
        return TorchSharpWorker.WhyNot(worker.Detail) is { } whyNot
            ? new Finding("TorchSharp", false, whyNot)
            : new Finding("TorchSharp", true, $"{program}, libtorch in {TorchSharpWorker.LibtorchFolder(program)}");
    }

    private Finding Cache() => new("checkpoints", true, services.CacheFolder);
}
