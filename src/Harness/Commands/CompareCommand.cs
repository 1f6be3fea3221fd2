using System.CommandLine;
using Loadline.Harness.Comparing;
using Loadline.Harness.Merging;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline compare</c>: what a change did to the measurements.</summary>
internal static class CompareCommand
{
    public static Command Create(HarnessServices services)
    {
        var files = CommandOptions.Paths(
            "BASE HEAD",
            "the results to compare with, as `loadline run --results` wrote them, and those of the change: of a run in shards the files of all of them",
            ArgumentArity.OneOrMore);
        var bases = new Option<string[]>("--base")
        {
            Description = "the results to compare with, where they are several files; all other files are those of the change",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
        };
        var summary = CommandOptions.Summary();
        var command = new Command("compare", "Compare two runs: exit 1 where a load takes more than before, or does not load any more.") { files, bases, summary };
        command.Check(result =>
        {
            if (result.GetResult(files) is { Tokens.Count: 1 } && result.GetResult(bases) is null)
                result.AddError("two runs are compared: name the results of BASE, then those of HEAD");
        });
        command.SetAction(parse =>
        {
            var named = parse.GetValue(files)!;
            var (before, after) = parse.GetValue(bases) is { Length: > 0 } several ? (several, named) : (named[..1], named[1..]);
            var comparison = Comparison.Of(RunFiles.ReadWhole(before), RunFiles.ReadWhole(after));
            if (services.Actions is { } actions)
            {
                actions.Summarise(maxBytes => ComparisonText.Markdown(comparison, maxBytes));
                foreach (var line in ComparisonText.Lines(comparison)) services.Out.WriteLine(line);
                foreach (var regressed in comparison.Regressions)
                {
                    foreach (var sentence in regressed.Sentences) actions.Annotate(file: null, line: 0, regressed.Name, sentence);
                }
            }
            else if (parse.GetValue(summary))
            {
                services.Out.WriteLine(ComparisonText.Markdown(comparison));
            }
            else
            {
                foreach (var line in ComparisonText.Lines(comparison)) services.Out.WriteLine(line);
            }

            return comparison.Regressions.Any() ? ExitCodes.Missed : ExitCodes.Loaded;
        });
        return command;
    }
}
