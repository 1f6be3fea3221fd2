using Loadline.Harness.Results;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>The cases of a budget file, by the pods of a run.</summary>
internal sealed record Collection
{
    private const int MostOthers = 20;
    private const int MostLosses = 100;

    /// <summary>All that were to run, in the order of the file.</summary>
    public required IReadOnlyList<CaseResult> Cases { get; init; }

    /// <summary>Those of an engine that no pod of the run has.</summary>
    public required IReadOnlyList<SkippedCase> Skipped { get; init; }

    /// <summary>Where they ran.</summary>
    public required RunEnvironment Environment { get; init; }

    /// <summary>Why the run is not at its end; null where it is.</summary>
    public string? Incomplete { get; init; }

    /// <summary>What is to be said besides, a sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Judges all cases.</summary>
    /// <param name="cases">Of the budget file.</param>
    /// <param name="file">The pods, and the file's name for messages.</param>
    /// <param name="logs">The folder of logs; null where there are none.</param>
    /// <exception cref="InputException">A log cannot be read, or the pods are not of one kind of machine.</exception>
    public static Collection Of(IReadOnlyList<ClusterCase> cases, (PodFile Pods, string Path) file, string? logs)
    {
        var pods = file.Pods.Pods.ToLookup(pod => pod.Label(KubernetesNames.CaseLabel) ?? "");
        var (wanted, skipped) = Split(cases, pods);
        var losses = new List<string>();
        var collected = new List<Collected>();
        var results = new List<CaseResult>();
        var read = new LogsRead();
        foreach (var one in wanted)
        {
            var value = KubernetesNames.CaseValue(one.Case.Name);
            var own = pods[value].Select(pod => Collected.Of(one, pod, LogOf(pod, one, logs, read, losses))).ToList();
            if (own.Count == 0) own.Add(Collected.Missing(one, Path.GetFileName(file.Path)));
            collected.AddRange(own);
            results.Add(Noise.Worst([.. own.Select(c => c.Result)]));
        }

        var known = cases.Select(c => KubernetesNames.CaseValue(c.Case.Name)).ToHashSet();
        var others = pods.Where(group => !known.Contains(group.Key)).SelectMany(group => group).ToList();
        var pending = collected.Where(c => c.IsPending).Select(c => c.Result.Name).Distinct().ToList();
        return new Collection
        {
            Cases = results,
            Skipped = skipped,
            Environment = ClusterEnvironment.Of(collected.Select(c => c.Seen), pods.Where(group => known.Contains(group.Key)).SelectMany(group => group)),
            Incomplete = pending.Count == 0
                ? null
                : $"{pending.Count} of {wanted.Count} cases {(pending.Count == 1 ? "has" : "have")} not ended: {NameList.Of(pending)}",
            Notes =
            [
                .. losses.Take(MostLosses), .. More(losses.Count - MostLosses, "logs are not there or not whole"),
                .. others.Take(MostOthers).Select(pod => $"pod {pod.Metadata.Name} is of no case of the budget file"),
                .. More(others.Count - MostOthers, "pods are of no case of the budget file"),
            ],
        };
    }

    private static IEnumerable<string> More(int count, string what) => count > 0 ? [$"{count} more {what}"] : [];

    // Whoever writes the manifests may have no image for an engine. A case that names one, or is of the worker's own engine, and is not there has been lost.
    private static (List<ClusterCase> Wanted, List<SkippedCase> Skipped) Split(IReadOnlyList<ClusterCase> cases, ILookup<string, Pod> pods)
    {
        var absent = cases.GroupBy(c => c.Case.Engine ?? EngineNames.Native)
            .Where(group => group.Key != EngineNames.Native && !group.Any(c => pods.Contains(KubernetesNames.CaseValue(c.Case.Name))))
            .SelectMany(group => group).Where(c => c.Case.Image is null).ToHashSet();
        var skipped = absent.Select(c => new SkippedCase(c.Case.Name, $"no pod of the run has the engine {c.Case.Engine}"));
        return ([.. cases.Where(c => !absent.Contains(c))], [.. skipped]);
    }

    private static PodLog LogOf(Pod pod, ClusterCase one, string? logs, LogsRead read, List<string> losses)
    {
        if (logs is null) return PodLog.None(one, "is not there: name the folder of logs with --logs");
        var name = pod.Metadata.Name;
        string[] paths = [Path.Combine(logs, name + ".log"), Path.Combine(logs, name)];
        var path = Array.Find(paths, File.Exists) ?? paths[0];
        var log = File.Exists(path) ? PodLog.Read(path, one, read) : PodLog.None(one, $"is not there: write it with `kubectl logs -c case {name} > {paths[0]}`");
        if (log.Loss is { } loss) losses.Add($"the log of '{one.Case.Name}', {path}, {loss}");
        return log;
    }
}
