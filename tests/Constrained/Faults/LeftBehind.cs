using Docker.DotNet.Models;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Constrained.Faults;

/// <summary>What the runs of one harness have on this machine at a moment: containers, or cgroups with their processes.</summary>
internal sealed class LeftBehind(string runtime, Owner owner)
{
    /// <summary>Nothing is left of any run.</summary>
    public async Task ShouldBeNothingAsync(CancellationToken cancellation)
    {
        if (IsDocker) (await ContainersAsync(cancellation)).Should().BeEmpty();
        else Cgroups().Select(cgroup => cgroup.Folder).Should().BeEmpty();
    }

    /// <summary>Whether anything of it is there.</summary>
    public async Task<bool> IsSomethingAsync(CancellationToken cancellation) => IsDocker ? (await ContainersAsync(cancellation)).Count > 0 : Cgroups().Count > 0;

    /// <summary>Kills what runs by SIGKILL, as the kernel does, but not for memory.</summary>
    /// <returns>Whether there was anything.</returns>
    public async Task<bool> KillAsync(CancellationToken cancellation)
    {
        if (!IsDocker)
        {
            var cgroups = Cgroups();
            foreach (var cgroup in cgroups) await cgroup.KillAllAsync();
            return cgroups.Count > 0;
        }

        var containers = await ContainersAsync(cancellation);
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), cancellation);
        foreach (var id in containers)
            await engine.AskAsync((client, limited) => client.Containers.KillContainerAsync(id, new ContainerKillParameters(), limited), cancellation);
        return containers.Count > 0;
    }

    private bool IsDocker => runtime != CgroupRuntime.RuntimeName;

    private async Task<IReadOnlyList<string>> ContainersAsync(CancellationToken cancellation)
    {
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), cancellation);
        var owned = new ContainersListParameters { All = true, Filters = EngineFilters.Of(("label", $"loadline.owner={owner}")) };
        return [.. (await engine.AskAsync((client, limited) => client.Containers.ListContainersAsync(owned, limited), cancellation)).Select(c => c.ID)];
    }

    private List<Cgroup> Cgroups()
    {
        var tree = CgroupTree.Find();
        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        return [.. Directory.GetDirectories(tree.Mount, LeftCgroups.Name(owner, "*"), everywhere).Select(folder => new Cgroup(tree.Dialect, folder))];
    }
}
