using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Runs;

/// <summary>Runs many cases. Those that share a checkpoint take turns: each evicts the file's pages first, and would wait for the other's.</summary>
/// <param name="runner">Runs one.</param>
/// <param name="view">Shows them.</param>
/// <param name="runs">How often each runs.</param>
internal sealed class Suite(CaseRunner runner, IRunView view, int runs = 1)
{
    private CaseResult?[] _results = [];

    /// <summary>The results of the cases that have ended, in the order given: of a suite that something stopped, too.</summary>
    public IReadOnlyList<CaseResult> Ended => [.. _results.OfType<CaseResult>()];

    /// <summary>Runs all, at most <paramref name="parallel"/> at once, and returns their results in the order given.</summary>
    /// <param name="cases">Cases with the absolute paths of their checkpoints.</param>
    /// <param name="parallel">At least 1. The machine needs the RAM of that many caps.</param>
    /// <param name="cancellation">Ends all that run.</param>
    public async Task<IReadOnlyList<CaseResult>> RunAsync(
        IReadOnlyList<(BudgetCase Case, string Path)> cases, int parallel, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _results = new CaseResult?[cases.Count];
        var pending = Enumerable.Range(0, cases.Count).ToList();
        var running = new Dictionary<Task, string>();
        try
        {
            while (pending.Count + running.Count > 0)
            {
                while (running.Count < parallel && pending.FindIndex(i => !running.ContainsValue(cases[i].Path)) is var next and >= 0)
                {
                    running.Add(RunOneAsync(pending[next]), cases[pending[next]].Path);
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
}
