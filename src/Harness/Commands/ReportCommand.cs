using System.CommandLine;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline report</c>: what an earlier run found, as a table, as markdown or as a page.</summary>
internal static class ReportCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("RESULTS", "what `loadline run --results` wrote");
        var html = CommandOptions.Html();
        var summary = CommandOptions.Summary();
        var command = new Command("report", "Show what an earlier run found: as a table, as markdown or as a page.") { path, html, summary };
        command.SetAction(parse =>
        {
            var results = ResultFile.Read(parse.GetValue(path)!);
            if (parse.GetValue(html) is { } page) ResultPage.Write(results, page);
            var report = new ResultReport(services.Out, services.Actions, results);
            if (parse.GetValue(summary))
            {
                report.Summarise();
            }
            else
            {
                report.PrintTable();
                report.PrintFailures();
            }

            // It is shown, and yet no answer to whether the budgets hold.
            if (results.Incomplete is { } why) throw new InputException($"{parse.GetValue(path)}: the run ended before its last case ({why}): run it again");
            return ExitCodes.Loaded;
        });
        return command;
    }
}
