using Loadline.Gauges;
using Loadline.Harness.Making;
using Loadline.Harness.Reports;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Measuring;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;
using Spectre.Console;

namespace Loadline.Harness.Services;

/// <summary>What the commands work with; tests put their own in. What not every command needs is made when one asks, with all that it loads.</summary>
internal sealed record HarnessServices
{
    /// <summary>
    /// Opens the runtime of a name of <see cref="RuntimeChooser.Names"/> with the worker's path, which it looks for when a run needs it.
    /// </summary>
    public required Func<string, string, CancellationToken, Task<IContainerRuntime>> OpenRuntime { get; init; }

    /// <summary>The same, for workers that load with an engine.</summary>
    /// <exception cref="RuntimeException">They cannot have it there.</exception>
    public async Task<IContainerRuntime> OpenWithAsync(string name, string engine, CancellationToken cancellation)
    {
        var runtime = await OpenRuntime(name, FindWorker(), cancellation);
        try
        {
            var whyNot = await runtime.PrepareAsync(engine, cancellation) ?? await runtime.WhyNotAsync(engine, cancellation);
            return whyNot is null ? runtime : throw new RuntimeException(whyNot);
        }
        catch
        {
            await runtime.DisposeAsync();
            throw;
        }
    }

    /// <summary>Finds the published worker; throws <see cref="RuntimeException"/> where there is none.</summary>
    public Func<string> FindWorker { get => field ??= WorkerBinary.Find; init; }

    /// <summary>Makes synthetic checkpoints.</summary>
    public required ICheckpointMaker Maker { get; init; }

    /// <summary>Loads in this process as the worker does, and returns one of <see cref="ExitCodes"/>.</summary>
    public Func<LoadRequest, Action<WorkerEvent>, int> LoadHere { get => field ??= MeasuredLoad.Run; init; }

    /// <summary>What must not be skipped for want of something.</summary>
    public Func<Requirements> Requirements { get => field ??= Runtimes.Requirements.FromEnvironment; init; }

    /// <summary>Makes <see cref="Console"/>.</summary>
    public required ConsoleOpener OpenConsole { get; init; }

    /// <summary>Standard output, for tables; decorated where it is a terminal.</summary>
    public IAnsiConsole Console
    {
        get
        {
            lock (OpenConsole) return field ??= OpenConsole.Open();
        }
    }

    /// <summary>Standard output, for JSON.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>The step of GitHub Actions that this process runs in; null where there is none.</summary>
    public GitHubActions? Actions { get; init; }

    /// <summary>RAM that this process can have: the tightest limit above it, else the machine's.</summary>
    public required Func<long> RamLimitBytes { get; init; }

    /// <summary>RAM that is free at this moment, for a map that names no limit.</summary>
    public Func<HostRam> FreeRam { get => field ??= () => HostRam.Here(); init; }

    /// <summary>Memory that a load may take on a device at this moment; none where that is the host.</summary>
    public Func<Device, long> DeviceRoomBytes { get => field ??= device => DeviceRoom.Here(device).Bytes; init; }

    /// <summary>The GPUs of this machine.</summary>
    public Nvidia Nvidia { get => field ??= Nvidia.Here; init; }

    /// <summary>The file system in memory that a path lies on; null for one on a disk.</summary>
    public Func<string, string?> MemoryOf { get => field ??= MemoryFileSystem.Of; init; }

    /// <summary>Where generated checkpoints are kept.</summary>
    public string CacheFolder { get => field ??= CheckpointCache.DefaultFolder(); init; }

    /// <summary>Where a map's <c>disk</c> writes what cannot stay mapped, unless a folder is named: beside <see cref="CacheFolder"/>.</summary>
    public string OffloadFolder => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(CacheFolder)) ?? "/", "offload");
}
