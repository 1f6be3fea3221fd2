using System.Diagnostics;
using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Strategies;

namespace Loadline.Harness.Commands;

/// <summary>What <c>loadline run</c> does once it knows what is asked for.</summary>
internal sealed class BudgetRun(HarnessServices services, RunOptions options)
{
    /// <summary>Times of the same load lie so far apart.</summary>
    private const double AboutAsFast = 1.2;

    /// <summary>What starts of processes lie apart: loads that are over in less time are as fast as each other.</summary>
    private const double SecondsOfNoise = 0.5;

    private readonly RunTargets _targets = new(options.Results, options.Html);

    /// <summary>All cases of a budget file.</summary>
    /// <returns>0 where all are as expected, 1 where one is not.</returns>
    public async Task<int> BudgetsAsync(string? path, CancellationToken cancellation)
    {
        var file = BudgetFile.Read(path ?? BudgetFile.Default());
        var (results, took) = await RunAsync(file, isBudgets: true, cancellation);
        return Finish(file, results, RunSummary.OfBudgets(results, took));
    }

    /// <summary>Every strategy on one checkpoint.</summary>
    /// <returns>Exit code 0 whatever survives, 3 where a load broke, of which that is no answer; and what was found.</returns>
    public async Task<(int ExitCode, ResultFile Results)> EveryStrategyAsync(string path, long capBytes, string device, string? dtype, EntrySelection names,
        PassChoice passes, CancellationToken cancellation)
    {
        // Opened here first: a file that is refused is one line, not one failure a strategy.
        using var checkpoint = Checkpoint.Open(path, names);
        var source = new CheckpointAt(Path.GetFullPath(path)) { Name = Path.GetFileName(path.TrimEnd('/')) };
        var file = new BudgetFile(path, new Dictionary<string, CheckpointSource> { [source.Name] = source }, [.. StrategyCatalog.All.Select(strategy => new BudgetCase
        {
            Name = strategy.Name,
            Checkpoint = source.Name,
            Strategy = strategy.Name,
            Device = device,
            DType = dtype,
            Names = names,
            CapBytes = capBytes,
            Why = strategy.Summary,
            Passes = passes.Count,
            Use = passes.Use,
            Reread = passes.Count > 1 ? Rereads.Default : null,
            Timeout = BudgetCase.TimeoutFor(checkpoint.StorageBytes * (1.0 + passes.Count)),
        })]);

        var (results, took) = await RunAsync(file, isBudgets: false, cancellation);
        var isAnswered = Finish(file, results, RunSummary.OfStrategies(results, took), Advice.Of(results)) == ExitCodes.Loaded;
        return (isAnswered ? ExitCodes.Loaded : ExitCodes.Infrastructure, results);
    }

    private async Task<(ResultFile Results, TimeSpan Took)> RunAsync(BudgetFile file, bool isBudgets, CancellationToken cancellation)
    {
        var named = file.Cases.Where(c => c.Name.Contains(options.Filter ?? "", StringComparison.OrdinalIgnoreCase));
        var chosen = named.Where(c => (options.Strategy ?? c.Strategy) == c.Strategy).ToList();
        if (chosen.Count == 0)
        {
            string?[] asked = [options.Filter is { } text ? $"has '{text}' in its name" : null, options.Strategy is { } strategy ? $"loads with {strategy}" : null];
            throw new InputException($"{file.Path}: none of its {file.Cases.Count} cases {string.Join(" and ", asked.OfType<string>())}");
        }

        var sharded = options.Shard is { } shard ? ShardedCases.Of(chosen, shard, options.BalanceBy) : null;
        IReadOnlyList<BudgetCase> cases = sharded?.Cases ?? chosen;
        if (isBudgets) services.Out.WriteLine($"{Path.GetFullPath(file.Path)}: {Counted(cases.Count, file.Cases.Count)}{(sharded is null ? "" : $", shard {options.Shard}")}");
        _targets.Refuse();
        _targets.RemoveOlder();

        var clock = Stopwatch.StartNew();
        await using var runtime = await services.OpenRuntime(options.Runtime, services.FindWorker(), cancellation);
        (cases, var skipped) = await RunnableCases.OfAsync(cases, runtime, services, cancellation);
        // The other shards may have cases that run here: whoever puts them together sees what is left out.
        if (cases.Count == 0 && sharded is null) throw new RuntimeException("all cases were skipped: nothing was measured");
        var view = View(cases);
        var cache = new CheckpointCache(services.CacheFolder, services.Maker, services.MemoryOf);
        var suite = new Suite(new CaseRunner(runtime), view, options.Noise, services.RamLimitBytes());
        try
        {
            await view.ShowAsync(async () =>
            {
                var paths = cases.Select(c => c.Checkpoint).Distinct().ToDictionary(
                    name => name, name => cache.Provide(file.Checkpoints[name], file.Path, done => view.Making(name, done), cancellation));
                await suite.RunAsync(
                    [.. cases.Select(c => (c with { PlannedCapBytes = PlannedCap.Of(c, paths[c.Checkpoint]) }, paths[c.Checkpoint]))], options.Parallel, cancellation);
            });
        }
        catch (Exception e) when (suite.Ended.Count > 0)
        {
            // What was measured before something broke is worth as much as ever.
            var ended = Results() with { Incomplete = e is OperationCanceledException ? "interrupted" : e.Message };
            var problems = _targets.Write(ended);
            foreach (var problem in problems) services.Error.WriteLine($"loadline: {PrintableText.Escape(problem)}");
            ReportOf(file, ended).PrintFailures();
            throw;
        }

        return (Results(), clock.Elapsed);

        ResultFile Results() => new(ResultFile.CurrentSchema, RunEnvironment.Of(runtime), suite.Ended)
        {
            Measured = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
            Version = typeof(BudgetRun).Assembly.GetName().Version?.ToString(3),
            Budgets = isBudgets ? file.Path : null,
            BudgetsDigest = isBudgets ? file.Digest : null,
            Commit = isBudgets ? GitCommit.Of(Path.GetDirectoryName(Path.GetFullPath(file.Path))!) : null,
            Shard = sharded?.Shard,
            Skipped = skipped.Count > 0 ? skipped : null,
            Take = isBudgets ? null : ToTake(suite.Ended),
        };
    }

    private static string Counted(int some, int all) => $"{(some == all ? "" : $"{some} of ")}{all} {(all == 1 ? "case" : "cases")}";

    // Measured, not only planned, to load: the fastest, and of those about as fast the one that needs the lowest cap.
    private static string? ToTake(IReadOnlyList<CaseResult> ended)
    {
        var loaded = ended.Where(r => r.Outcome == Outcome.Loaded && r.PlannedCapBytes <= r.CapBytes).ToList();
        var fastest = loaded.Min(r => r.Seconds);
        return loaded.Where(r => r.Seconds <= AboutAsFast * fastest || r.Seconds <= fastest + SecondsOfNoise)
            .OrderBy(r => r.PlannedCapBytes).ThenBy(r => r.PeakAnonymousBytes).FirstOrDefault()?.Strategy;
    }

    private IRunView View(IReadOnlyList<BudgetCase> cases) =>
        services.Console.Profile is { Out.IsTerminal: true, Capabilities.Ansi: true } ? new LiveRunView(services.Console, cases) : new PlainRunView(services.Out, cases);

    private ResultReport ReportOf(BudgetFile file, ResultFile results)
    {
        var lines = file.Cases.ToDictionary(c => c.Name, c => c.Line);
        return new ResultReport(services.Out, services.Actions, results) { Place = name => lines[name] > 0 ? (file.Path, lines[name]) : null };
    }

    private int Finish(BudgetFile file, ResultFile results, params ReadOnlySpan<string?> closing)
    {
        // Before a word is printed: what it is printed to may be full, or gone.
        var problems = _targets.Write(results);
        if (RunSummary.Footnote(results) is { } note) services.Out.WriteLine(note);
        foreach (var line in closing)
        {
            if (line is not null) services.Out.WriteLine(line);
        }

        var report = ReportOf(file, results);
        report.PrintFailures();
        if (options.Summary || services.Actions is not null) report.Summarise();
        report.Annotate();
        if (problems.Count > 0) throw new IOException(string.Join("; ", problems));
        return results.Cases.All(r => r.Pass) ? ExitCodes.Loaded : ExitCodes.Missed;
    }
}
