using System.CommandLine;
using Loadline.Harness.Merging;
using Loadline.Harness.Reports;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline report</c>: what an earlier run found, as a table, as markdown or as a page; of several shards all of it together.</summary>
internal static class ReportCommand
{
    public static Command Create(HarnessServices services)
    {
        var paths = CommandOptions.Paths("RESULTS", "what `loadline run --results` wrote; of a run in shards the files of all of them", ArgumentArity.OneOrMore);
        var html = CommandOptions.Html();
        var summary = CommandOptions.Summary();
        var results = new Option<string?>("--results") { Description = "write the results of all shards as one file", HelpName = "FILE" };
        var gate = new Option<bool>("--gate") { Description = "exit 1 where a case did not go as expected, as the run did" };
        var command = new Command("report", "Show what an earlier run found, also on several machines: as a table, as markdown or as a page.")
        {
            paths, results, html, summary, gate,
        };
        command.SetAction(parse =>
        {
            var (files, targets) = (parse.GetValue(paths)!, new RunTargets(parse.GetValue(results), parse.GetValue(html)));
            if (Array.Find(files, file => targets.Results is { } target && OutputTargets.AreOne(file, target)) is { } read)
                throw new InputException($"{read}: is read: name another file to write");
            targets.Refuse();
            // It is what this command was asked for; to a run it is a sideline.
            if (parse.GetValue(summary) && services.Actions?.WhyNoSummary is { } whyNot) throw new IOException(whyNot);
            var run = RunFiles.Read(files);
            if (targets.Write(run) is { Count: > 0 } problems) throw new IOException(string.Join("; ", problems));
            Show(new ResultReport(services.Out, services.Actions, run), parse.GetValue(summary));

            // It is shown, and yet no answer to whether the budgets hold.
            run.RefuseUnended(string.Join(", ", files));
            return parse.GetValue(gate) && !run.Cases.All(c => c.Pass) ? ExitCodes.Missed : ExitCodes.Loaded;
        });
        return command;
    }

    private static void Show(ResultReport report, bool asMarkdown)
    {
        if (asMarkdown)
        {
            report.Summarise(isSideline: false);
            return;
        }

        report.PrintTable();
        report.PrintFailures();
    }
}
