using System.Text.RegularExpressions;
using Loadline.Checkpoints;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>Where a cluster measured, by what its workers found there.</summary>
internal static partial class ClusterEnvironment
{
    // Of nodes and runtimes some few kinds; of a name some 60 characters.
    private const int MostNames = 8;
    private const int MostCharacters = 200;

    /// <summary>Puts together what all pods tell. Of nodes that differ, the least.</summary>
    /// <param name="seen">What their logs showed.</param>
    /// <param name="pods">Those of the cases.</param>
    /// <exception cref="InputException">They differ in what results of one run may not differ in.</exception>
    public static RunEnvironment Of(IEnumerable<Observation> seen, IEnumerable<Pod> pods)
    {
        var starts = seen.Select(s => s.Start).OfType<StartEvent>().ToList();
        var versions = new SortedSet<int>(starts.Select(s => s.CgroupVersion).OfType<int>());
        if (versions.Count > 1)
        {
            var both = string.Join(" and ", versions.Take(3).Select(v => $"v{v}"));
            throw new InputException($"its pods ran under cgroup {both}, whose figures are not of one run: give all of them one kind of node");
        }

        // As in containerd://5f0c….
        var ids = pods.Select(pod => pod.CaseStatus?.ContainerId?.Split("://")).Where(id => id is { Length: 2 });
        var runtime = Joined(ids.Select(id => id![0])) is { } names ? $"kubernetes ({names})" : "kubernetes";
        return new RunEnvironment(
            Joined(starts.Select(s => s.Kernel)) ?? "unknown",
            versions.Min,
            versions.Count == 0 ? runtime : $"{runtime}, cgroup v{versions.Min}",
            EngineNames.Native,
            Joined(starts.SelectMany(start => GpuName().Matches(start.Engine)).Select(match => match.Groups["name"].Value)),
            Driver: null,
            starts.Min(s => s.Cores) ?? 0,
            starts.Min(s => s.RamBytes) ?? 0);
    }

    private static string? Joined(IEnumerable<string> texts)
    {
        var names = texts.Select(text => PrintableText.Shorten(text, MostCharacters)).Distinct().Order(StringComparer.Ordinal).ToList();
        if (names.Count > MostNames) names = [.. names.Take(MostNames), $"{names.Count - MostNames} more"];
        return string.Join(" and ", names) is { Length: > 0 } all ? all : null;
    }

    // As an engine describes itself: "native (cuda:0: NVIDIA H200, compute capability 9.0, driver for CUDA 13.0)".
    [GeneratedRegex(@"cuda:[0-9]+: (?<name>[^,;]{1,200}), compute capability ", RegexOptions.CultureInvariant)]
    private static partial Regex GpuName();
}
