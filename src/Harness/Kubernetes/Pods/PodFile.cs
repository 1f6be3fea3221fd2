using System.Text.Json;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>The pods of one run, from a file that a cluster's owner or anybody else may have written.</summary>
/// <param name="Run">The run's name.</param>
/// <param name="Pods">Each of them once.</param>
internal sealed record PodFile(string Run, IReadOnlyList<Pod> Pods)
{
    private const int MostNamed = 5;
    private const string How = $"write it with `kubectl get pods -l {KubernetesNames.RunLabel}=RUN -o json`";
    private const string What = $"holds no pods: {How}";

    // Of each some notes, a log and a result are made; a run has some hundred.
    private const int MostPods = 1 << 14;

    private static readonly StrangersJson<PodList> Lists = new(PodJson.Default);
    private static readonly StrangersJson<Pod> Single = new(PodJson.Default);

    /// <summary>Reads what <c>kubectl get pods -o json</c> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="run">The run's name; null where the file has pods of one run only.</param>
    /// <exception cref="InputException">It cannot be read, or has pods of no run or of several.</exception>
    public static PodFile Read(string path, string? run)
    {
        var pods = All(path).Where(pod => pod.Label(KubernetesNames.RunLabel) is not null).ToList();
        var runs = pods.Select(pod => pod.Label(KubernetesNames.RunLabel)!).Distinct().ToList();
        if (runs.Count == 0) throw new InputException($"{path}: none of its pods has the label {KubernetesNames.RunLabel}: {How}");
        var some = string.Join(", ", runs.Take(MostNamed).Select(NameList.Shortened)) + (runs.Count > MostNamed ? ", …" : "");
        if (run is null && runs.Count > 1) throw new InputException($"{path}: has pods of {runs.Count} runs, {some}: name one with --run");
        if (run is not null && !runs.Contains(run)) throw new InputException($"{path}: has no pod of run {run}, but of {some}");

        var ours = pods.Where(pod => pod.Label(KubernetesNames.RunLabel) == (run ?? runs[0])).ToList();
        // A log is looked for by it.
        if (ours.Find(pod => !KubernetesNames.IsSubdomain(pod.Metadata.Name)) is { } odd)
            throw new InputException($"{path}: '{NameList.Shortened(odd.Metadata.Name)}' is no name of a pod");
        if (ours.CountBy(pod => pod.Metadata.Name).FirstOrDefault(c => c.Value > 1) is { Value: > 1 } twice)
            throw new InputException($"{path}: pod {twice.Key} stands there twice, and has one log: of several namespaces collect one at a time");
        return new PodFile(run ?? runs[0], ours);
    }

    private static IReadOnlyList<Pod> All(string path)
    {
        try
        {
            var json = WholeFile.Read(path);
            var list = Lists.Read(json);
            return list switch
            {
                { Kind: "List" or "PodList", Items.Count: > MostPods } => throw new InputException($"{path}: has {list.Items.Count} pods, more than the limit of {MostPods}: name one run, as in kubectl get pods -l"),
                { Kind: "List" or "PodList" } => list.Items ?? [],
                { Kind: "Pod" } when Single.Read(json) is { } pod => [pod],
                _ => throw new InputException($"{path}: {What}"),
            };
        }
        catch (JsonException e)
        {
            throw new InputException(JsonFileProblem.Of(path, e, What));
        }
        // A text that is no Unicode.
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: {What}: {JsonProblem.Of(e)}");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such file: {How}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }
}
