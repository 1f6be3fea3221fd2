using System.CommandLine;
using Loadline.Harness.Comparing;
using Loadline.Harness.Results;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline compare</c>: what a change did to the measurements.</summary>
internal static class CompareCommand
{
    public static Command Create(HarnessServices services)
    {
        var before = CommandOptions.Path("BASE", "the results to compare with, as `loadline run --results` wrote them");
        var after = CommandOptions.Path("HEAD", "the results of the change");
        var summary = CommandOptions.Summary();
        var command = new Command("compare", "Compare two runs: exit 1 where a load takes more than before, or does not load any more.") { before, after, summary };
        command.SetAction(parse =>
        {
            var comparison = Comparison.Of(ResultFile.ReadWhole(parse.GetValue(before)!), ResultFile.ReadWhole(parse.GetValue(after)!));
            if (services.Actions is { } actions)
            {
                actions.Summarise(maxBytes => ComparisonText.Markdown(comparison, maxBytes));
                actions.WriteForeign(ComparisonText.Plain(comparison));
                foreach (var regressed in comparison.Regressions)
                {
                    foreach (var sentence in regressed.Sentences) actions.Annotate(file: null, line: 0, regressed.Name, sentence);
                }
            }
            else
            {
                services.Out.WriteLine(parse.GetValue(summary) ? ComparisonText.Markdown(comparison) : ComparisonText.Plain(comparison));
            }

            return comparison.Regressions.Any() ? ExitCodes.Error : ExitCodes.Loaded;
        });
        return command;
    }
}
