using System.CommandLine;
using System.Globalization;
using Loadline.Harness.Budgets;
using Loadline.Harness.Kubernetes;
using Loadline.Harness.Kubernetes.Pods;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline collect</c>: what became of the cases that <c>loadline kubernetes</c> wrote, from what <c>kubectl</c> says of their pods.</summary>
internal static class CollectCommand
{
    public static Command Create(HarnessServices services)
    {
        var pods = CommandOptions.Path("PODS.json", $"what `kubectl get pods -l {KubernetesNames.RunLabel}=RUN -o json` printed");
        var logs = new Option<string?>("--logs") { Description = "the folder with what `kubectl logs POD` printed, as POD.log or POD", HelpName = "FOLDER" };
        var budgets = CommandOptions.Budgets();
        var filter = CommandOptions.Filter();
        var run = CommandOptions.Run("that of the pods, where they are of one");
        var results = new Option<string?>("--results") { Description = "write the results as JSON", HelpName = "FILE" };
        var html = CommandOptions.Html();
        var summary = CommandOptions.Summary();
        var command = new Command("collect", "Hold the budgets against what became of their cases in a cluster.")
        {
            pods, logs, budgets, filter, run, results, html, summary,
        };
        command.SetAction(parse =>
        {
            var targets = new RunTargets(parse.GetValue(results), parse.GetValue(html));
            var file = BudgetFile.Read(parse.GetValue(budgets) ?? BudgetFile.Default()).Filtered(parse.GetValue(filter));
            var path = parse.GetValue(pods)!;
            if (parse.GetValue(logs) is { } folder && !Directory.Exists(folder)) throw new InputException($"{folder}: there is no such folder of logs");
            targets.Refuse();
            var requirements = services.Requirements();

            var collection = Collection.Of(ClusterCase.Of(file), (PodFile.Read(path, parse.GetValue(run)), path), parse.GetValue(logs));
            foreach (var engine in collection.Skipped.Select(s => file.Cases.First(c => c.Name == s.Name).Engine!).Distinct())
            {
                if (requirements.Demands(engine))
                    throw new RuntimeException($"LOADLINE_REQUIRE demands {engine}, but no pod of the run has it");
            }

            return Finish(services, file, ResultOf(file, collection), targets, parse.GetValue(summary));
        });
        return command;
    }

    private static ResultFile ResultOf(BudgetFile file, Collection collection) => new(ResultFile.CurrentSchema, collection.Environment, collection.Cases)
    {
        Measured = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
        Version = typeof(CollectCommand).Assembly.GetName().Version?.ToString(3),
        Budgets = file.Path,
        BudgetsDigest = file.Digest,
        Commit = GitCommit.Of(Path.GetDirectoryName(Path.GetFullPath(file.Path))!),
        Skipped = collection.Skipped.Count > 0 ? collection.Skipped : null,
        Notes = collection.Notes.Count > 0 ? collection.Notes : null,
        Incomplete = collection.Incomplete,
    };

    private static int Finish(HarnessServices services, BudgetFile file, ResultFile results, RunTargets targets, bool summary)
    {
        var lines = file.Cases.ToDictionary(c => c.Name, c => c.Line);
        var report = new ResultReport(services.Out, services.Actions, results) { Place = name => (file.Path, lines[name]) };
        // Before a word is printed: what it is printed to may be full, or gone.
        var problems = targets.Write(results);
        report.PrintTable();
        report.PrintFailures();
        if (summary || services.Actions is not null) report.Summarise();
        report.Annotate();
        if (problems.Count > 0) throw new IOException(string.Join("; ", problems));
        // What is not at its end is no answer, whatever the others came to.
        if (results.Incomplete is { } why) throw new RuntimeException($"{why}: collect again when they have");
        if (results.Cases.Count == 0) throw new InputException("no case was measured: there is no pod of any");
        return results.Cases.All(r => r.Pass) ? ExitCodes.Loaded : ExitCodes.Missed;
    }
}
