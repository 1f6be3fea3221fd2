using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Runs;

/// <summary>
/// Runs many cases. Those that share a checkpoint's files take turns: each evicts the files' pages first, and would wait for the other's. What runs at
/// once has room under its caps together: a machine that is out of memory kills whom it likes, and the verdict would be the machine's.
/// </summary>
/// <param name="runner">Runs one.</param>
/// <param name="view">Shows them.</param>
/// <param name="runs">How often each runs.</param>
/// <param name="ramBytes">What all caps together stay under; a case whose own cap is more runs alone.</param>
internal sealed class Suite(CaseRunner runner, IRunView view, int runs = 1, long ramBytes = long.MaxValue)
{
    private CaseResult?[] _results = [];

    /// <summary>The results of the cases that have ended, in the order given: of a suite that something stopped, too.</summary>
    public IReadOnlyList<CaseResult> Ended => [.. _results.OfType<CaseResult>()];

    /// <summary>Runs all, at most <paramref name="parallel"/> at once, and returns their results in the order given.</summary>
    /// <param name="cases">Cases with the absolute paths of their checkpoints.</param>
    /// <param name="parallel">At least 1.</param>
    /// <param name="cancellation">Ends all that run.</param>
    public async Task<IReadOnlyList<CaseResult>> RunAsync(
        IReadOnlyList<(BudgetCase Case, string Path)> cases, int parallel, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _results = new CaseResult?[cases.Count];
        var files = cases.Select(c => c.Path).Distinct().ToDictionary(path => path, FilesOf);
        var pending = Enumerable.Range(0, cases.Count).ToList();
        var running = new Dictionary<Task, int>();
        try
        {
            while (pending.Count + running.Count > 0)
            {
                while (running.Count < parallel && pending.FindIndex(MayStart) is var next and >= 0)
                {
                    running.Add(RunOneAsync(pending[next]), pending[next]);
                    pending.RemoveAt(next);
                }

                var ended = await Task.WhenAny(running.Keys);
                running.Remove(ended);
                await ended;
            }
        }
        finally
        {
            // After a failure the others are ended and waited for, so that their containers are gone before this program is.
            await stop.CancelAsync();
            await Task.WhenAll(running.Keys).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        return Ended;

        bool MayStart(int index) =>
            running.Count == 0
            || (!running.Values.Any(i => files[cases[i].Path].Overlaps(files[cases[index].Path]))
                && running.Values.Append(index).Sum(i => cases[i].Case.CapBytes) <= ramBytes);

        async Task RunOneAsync(int index)
        {
            var (budget, path) = cases[index];
            view.Started(budget);
            var ended = new List<CaseResult>();
            while (ended.Count < runs) ended.Add((await runner.RunAsync(budget, path, e => view.Saw(budget, e), stop.Token)).Result);
            _results[index] = Noise.Worst(ended);
            view.Finished(budget, _results[index]!);
        }
    }

    // Two names may lead to the same file: a folder and its index, or links.
    private static HashSet<string> FilesOf(string path) => [.. CheckpointPaths.WithLinks(path).Select(Final)];

    private static string Final(string path) =>
        (Directory.Exists(path) ? Directory.ResolveLinkTarget(path, returnFinalTarget: true)
            : File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true) : null)?.FullName
        ?? Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
}
