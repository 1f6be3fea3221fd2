using System.Diagnostics;
using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
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

    /// <summary>All cases of a budget file.</summary>
    /// <returns>0 where all are as expected, 1 where one is not.</returns>
    public async Task<int> BudgetsAsync(string? path, CancellationToken cancellation)
    {
        var file = BudgetFile.Read(path ?? BudgetFile.Default());
        var (results, took) = await RunAsync(file, isBudgets: true, cancellation);
        if (RunSummary.Footnote(results) is { } note) services.Out.WriteLine(note);
        services.Out.WriteLine(RunSummary.OfBudgets(results, took));
        return Finish(file, results);
    }

    /// <summary>Every strategy on one checkpoint.</summary>
    /// <returns>Exit code 0 whatever survives, 1 where a load broke; and what was found.</returns>
    public async Task<(int ExitCode, ResultFile Results)> EveryStrategyAsync(string path, long capBytes, string device, string? dtype, EntrySelection names, PassChoice passes, CancellationToken cancellation)
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
            Timeout = BudgetCase.TimeoutFor(checkpoint.StorageBytes * (1 + passes.Count)),
        })]);

        var (results, took) = await RunAsync(file, isBudgets: false, cancellation);
        if (RunSummary.Footnote(results) is { } note) services.Out.WriteLine(note);
        services.Out.WriteLine(RunSummary.OfStrategies(results, took));
        if (Advice.Of(results) is { } advice) services.Out.WriteLine(advice);
        return (Finish(file, results), results);
    }

    private async Task<(ResultFile Results, TimeSpan Took)> RunAsync(BudgetFile file, bool isBudgets, CancellationToken cancellation)
    {
        var cases = file.Cases.Where(c => c.Name.Contains(options.Filter ?? "", StringComparison.OrdinalIgnoreCase) && (options.Strategy ?? c.Strategy) == c.Strategy).ToList();
        if (cases.Count == 0)
        {
            string?[] asked = [options.Filter is { } text ? $"has '{text}' in its name" : null, options.Strategy is { } strategy ? $"loads with {strategy}" : null];
            throw new InputException($"{file.Path}: none of its {file.Cases.Count} cases {string.Join(" and ", asked.OfType<string>())}");
        }

        if (isBudgets) services.Out.WriteLine($"{Path.GetFullPath(file.Path)}: {(cases.Count == file.Cases.Count ? "" : $"{cases.Count} of ")}{file.Cases.Count} {(file.Cases.Count == 1 ? "case" : "cases")}");
        RefuseTargets();

        var clock = Stopwatch.StartNew();
        await using var runtime = await services.OpenRuntime(options.Runtime, services.FindWorker(), cancellation);
        cases = await RunnableAsync(cases, runtime, cancellation);
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
            ReportOf(file, ended).PrintFailures();
            foreach (var problem in Write(ended)) services.Error.WriteLine($"loadline: {problem}");
            throw;
        }

        return (Results(), clock.Elapsed);

        ResultFile Results() => new(ResultFile.CurrentSchema, RunEnvironment.Of(runtime), suite.Ended)
        {
            Measured = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
            Version = typeof(BudgetRun).Assembly.GetName().Version?.ToString(3),
            Budgets = isBudgets ? file.Path : null,
            Take = isBudgets ? null : ToTake(suite.Ended),
        };
    }

    // Measured, not only planned, to load: the fastest, and of those about as fast the one that needs the lowest cap.
    private static string? ToTake(IReadOnlyList<CaseResult> ended)
    {
        var loaded = ended.Where(r => r.Outcome == Outcome.Loaded && r.PlannedCapBytes <= r.CapBytes).ToList();
        var fastest = loaded.Min(r => r.Seconds);
        return loaded.Where(r => r.Seconds <= AboutAsFast * fastest || r.Seconds <= fastest + SecondsOfNoise)
            .OrderBy(r => r.PlannedCapBytes).ThenBy(r => r.PeakAnonymousBytes).FirstOrDefault()?.Strategy;
    }

    // Before the first case: what cannot be written, or would cost a checkpoint or a budget file that somebody named by mistake.
    private void RefuseTargets()
    {
        foreach (var target in new[] { options.Results, options.Html }.OfType<string>()) WholeFile.RefuseUnwritable(target);
        if (options.Results is { } results && File.Exists(results) && !ResultFile.IsOne(results))
            throw new InputException($"{results}: is there and holds no results of `loadline run`: name another file");
        if (options.Html is { } page && File.Exists(page) && !ResultPage.IsOne(page))
            throw new InputException($"{page}: is there and is no page of `loadline run`: name another file");
    }

    // An engine or a GPU that is not here is no case that went wrong, unless whoever runs this says that it must be there.
    private async Task<List<BudgetCase>> RunnableAsync(List<BudgetCase> cases, IContainerRuntime runtime, CancellationToken cancellation)
    {
        var missing = new List<string>();
        foreach (var image in cases.Select(c => c.Image).OfType<string>().Distinct())
        {
            if (await runtime.WhyNoImageAsync(image, cancellation) is { } whyNot) missing.Add(whyNot);
        }

        if (missing.Count > 0) throw new RuntimeException(string.Join("; ", missing));

        foreach (var engine in cases.Where(c => c.Image is null).Select(c => c.Engine).OfType<string>().Distinct().ToList())
        {
            var whyNot = await runtime.PrepareAsync(engine, cancellation) ?? await runtime.WhyNotAsync(engine, cancellation);
            Skip(c => c.Engine == engine && c.Image is null, whyNot, engine, $"with {engine}");
        }

        foreach (var gpus in cases.Select(c => c.GpuCount).Where(count => count > 0).Distinct().Order().ToList())
        {
            Skip(c => c.GpuCount == gpus, await GpuProbe.WhyNotAsync(runtime, gpus, cancellation), Requirements.Gpu, gpus == 1 ? "onto a GPU" : $"onto {gpus} GPUs");
        }

        return cases.Count > 0 ? cases : throw new RuntimeException("all cases were skipped: nothing was measured");

        void Skip(Predicate<BudgetCase> which, string? whyNot, string required, string how)
        {
            if (whyNot is null) return;
            if (services.Requirements().Demands(required)) throw new RuntimeException($"LOADLINE_REQUIRE demands {required}, but {whyNot}");
            var skipped = cases.RemoveAll(which);
            services.Error.WriteLine($"loadline: {skipped} {(skipped == 1 ? "case that loads" : "cases that load")} {how} skipped: {whyNot}");
        }
    }

    private IRunView View(IReadOnlyList<BudgetCase> cases) =>
        services.Console.Profile is { Out.IsTerminal: true, Capabilities.Ansi: true } ? new LiveRunView(services.Console, cases) : new PlainRunView(services.Out, cases);

    // What cannot be written costs no other file, and nothing that is printed.
    private List<string> Write(ResultFile results)
    {
        var problems = new List<string>();
        Try(options.Results, results.Write);
        Try(options.Html, page => ResultPage.Write(results, page));
        return problems;

        void Try(string? path, Action<string> write)
        {
            try
            {
                if (path is not null) write(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(e.Message);
            }
        }
    }

    private ResultReport ReportOf(BudgetFile file, ResultFile results)
    {
        var lines = file.Cases.ToDictionary(c => c.Name, c => c.Line);
        return new ResultReport(services.Out, services.Actions, results) { Place = name => lines[name] > 0 ? (file.Path, lines[name]) : null };
    }

    private int Finish(BudgetFile file, ResultFile results)
    {
        var report = ReportOf(file, results);
        report.PrintFailures();
        if (options.Summary || services.Actions is not null) report.Summarise();
        report.Annotate();
        if (Write(results) is { Count: > 0 } problems) throw new IOException(string.Join("; ", problems));
        return results.Cases.All(r => r.Pass) ? ExitCodes.Loaded : ExitCodes.Error;
    }
}
