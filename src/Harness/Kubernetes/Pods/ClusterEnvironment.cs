using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>Where a cluster measured, by what its workers found there.</summary>
internal static class ClusterEnvironment
{
    private const string Unknown = "unknown";

    /// <summary>Puts together what all pods tell. Of nodes that differ, the least.</summary>
    /// <exception cref="InputException">They differ in what results of one run may not differ in.</exception>
    public static RunEnvironment Of(IEnumerable<Observation> seen, IEnumerable<Pod> pods)
    {
        var starts = seen.Select(s => s.Start).OfType<StartEvent>().ToList();
        var versions = starts.Select(s => s.CgroupVersion).OfType<int>().Distinct().Order().ToList();
        if (versions.Count > 1)
        {
            var both = string.Join(" and ", versions.Select(v => $"v{v}"));
            throw new InputException($"its pods ran under cgroup {both}, whose figures are not of one run: give all of them one kind of node");
        }

        var kernels = starts.Select(s => s.Kernel).Distinct().Order(StringComparer.Ordinal).ToList();
        // As in containerd://5f0c….
        var ids = pods.Select(pod => pod.CaseStatus?.ContainerId?.Split("://")).Where(id => id is { Length: 2 });
        var runtimes = ids.Select(id => id![0]).Distinct().Order(StringComparer.Ordinal);
        var runtime = string.Join(" and ", runtimes) is { Length: > 0 } names ? $"kubernetes ({names})" : "kubernetes";
        return new RunEnvironment(
            kernels.Count == 0 ? Unknown : string.Join(" and ", kernels),
            versions.FirstOrDefault(),
            versions.Count == 0 ? runtime : $"{runtime}, cgroup v{versions[0]}",
            EngineNames.Native,
            Gpu: null,
            Driver: null,
            starts.Min(s => s.Cores) ?? 0,
            starts.Min(s => s.RamBytes) ?? 0);
    }
}
