using System.Globalization;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>Programs of this machine in bare cgroups: no daemon, no images; paths are the machine's own.</summary>
internal sealed class CgroupRuntime : IContainerRuntime
{
    /// <summary>Its name for <c>--runtime</c>.</summary>
    public const string RuntimeName = "cgroup";

    private readonly CgroupTree _tree;
    private readonly string _workerPath;
    private readonly string _name = LeftCgroups.Name(Owner.Self, Guid.NewGuid().ToString("N"));
    private int _runs;

    private CgroupRuntime(CgroupTree tree, string parent, string workerPath)
    {
        _tree = tree;
        Parent = parent;
        _workerPath = workerPath;
    }

    /// <inheritdoc/>
    public string Name => RuntimeName;

    /// <inheritdoc/>
    public string Description => $"cgroup v{CgroupVersion}";

    /// <inheritdoc/>
    public int CgroupVersion => _tree.Dialect.Version;

    /// <summary>The directory in which runs get theirs.</summary>
    public string Parent { get; }

    /// <summary>Finds a place where cgroups can be made, shown by a run, and removes those whose harness is gone.</summary>
    /// <param name="workerPath">The published worker.</param>
    /// <param name="cancellation">Stops the attempt.</param>
    /// <exception cref="RuntimeException">There is no such place; the message gives the reason for each that was tried.</exception>
    public static async Task<CgroupRuntime> StartAsync(string workerPath, CancellationToken cancellation)
    {
        if (!Owner.HasOwnProc) throw new RuntimeException("cgroup: /proc is that of another PID namespace: mount this one's own (mount -t proc proc /proc)");
        var tree = CgroupTree.Find();
        await LeftCgroups.RemoveAsync(tree);

        var reasons = new List<string>();
        foreach (var parent in tree.Candidates)
        {
            try
            {
                DelegateMemory(tree.Dialect, parent);
                var runtime = new CgroupRuntime(tree, parent, workerPath);
                await runtime.RunAsync(Probe, _ => { }, cancellation);
                return runtime;
            }
            catch (RuntimeException e)
            {
                reasons.Add(e.Message);
            }
        }

        throw new RuntimeException(
            $"{reasons[0]}{string.Concat(reasons.Skip(1).Select(reason => "; " + reason["cgroup: ".Length..]))}: run as root, or under systemd-run --user --scope -p Delegate=yes, or use --runtime docker");
    }

    /// <summary>Programs here have this machine's libraries.</summary>
    public Task<string?> WhyNotAsync(string engine, CancellationToken cancellation) => Task.FromResult(engine switch
    {
        EngineNames.Libtorch when !Libtorch.TryFind(out var whyNot) => $"cgroup: {whyNot}",
        EngineNames.TorchSharp when (TorchSharpWorker.WhyNot(_workerPath) ?? HostLibraries.WhyNoTorchSharp()) is { } whyNot => $"cgroup: {whyNot}",
        _ => null,
    });

    /// <inheritdoc/>
    public Task<string?> WhyNoImageAsync(string image, CancellationToken cancellation) => Task.FromResult<string?>(NoImage(image));

    /// <inheritdoc/>
    public async Task<ContainerOutcome> RunAsync(ContainerSpec spec, Action<string> onOutput, CancellationToken cancellation)
    {
        if (spec.Image is { } image) throw new RuntimeException(NoImage(image));
        var missing = spec.Mounts.Concat(spec.WritableMounts).FirstOrDefault(path => !Path.Exists(path));
        if (missing is not null) throw new RuntimeException($"cgroup: there is nothing at {missing} to mount");

        cancellation.ThrowIfCancellationRequested();
        var start = CgroupStart.Of(EnginePlacement.OnMachine(spec, _workerPath), _workerPath);
        var run = Interlocked.Increment(ref _runs).ToString(CultureInfo.InvariantCulture);
        var cgroup = Cgroup.Create(_tree.Dialect, Path.Join(Parent, _name + "." + run), spec.CapBytes, highBytes: spec.HighBytes);
        try
        {
            return await new CgroupRun(cgroup, start, spec).RunAsync(spec.Timeout, onOutput, cancellation);
        }
        finally
        {
            await cgroup.RemoveAsync();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static ContainerSpec Probe => new()
    {
        Command = ["/bin/sh", "-c", ":"],
        CapBytes = 64 * ByteSize.MiB,
        Timeout = TimeSpan.FromSeconds(30),
    };

    private static string NoImage(string image) => $"cgroup: there are no images here, such as '{image}': use --runtime docker";

    /// <summary>In v2 a cgroup's children have the controllers that it hands down.</summary>
    private static void DelegateMemory(CgroupDialect dialect, string parent)
    {
        if (dialect.Version == 1) return;
        var file = Path.Join(parent, "cgroup.subtree_control");
        try
        {
            if (File.ReadAllText(file).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Contains("memory")) return;
            File.WriteAllText(file, "+memory");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RuntimeException($"cgroup: {parent} does not hand down the memory controller: {Cgroup.Reason(e)}", e);
        }
    }
}
