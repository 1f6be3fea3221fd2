using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>Says what results come to: on standard output, and where a step of GitHub Actions is read.</summary>
/// <param name="output">Standard output.</param>
/// <param name="actions">The step of GitHub Actions that this process runs in; null where there is none.</param>
/// <param name="results">What a run found.</param>
internal sealed class ResultReport(TextWriter output, GitHubActions? actions, ResultFile results)
{
    /// <summary>Where a case of a name stands; null for one that no file holds.</summary>
    public Func<string, (string File, int Line)?> Place { get; init; } = _ => null;

    private IEnumerable<CaseResult> Failed => results.Cases.Where(r => !r.Pass);

    /// <summary>The table, for logs and pipes.</summary>
    public void PrintTable() => output.WriteLines(Table());

    /// <summary>What did not pass, with the evidence.</summary>
    public void PrintFailures() => output.WriteLines(Failed.SelectMany(
        failed => FailureText.Lines(failed, Place(failed.Name) is var (file, line) ? $"{file}:{line}" : null).Prepend("")));

    /// <summary>All of it as markdown: the job's summary in GitHub Actions, else on standard output.</summary>
    /// <param name="isSideline">As for <see cref="GitHubActions.Summarise"/>.</param>
    public void Summarise(bool isSideline = true)
    {
        if (actions is not null) actions.Summarise(maxBytes => ResultMarkdown.Of(results, maxBytes), isSideline);
        else output.WriteLine(ResultMarkdown.Of(results));
    }

    /// <summary>An annotation for each budget that was missed; nothing outside GitHub Actions.</summary>
    public void Annotate()
    {
        foreach (var failed in Failed)
        {
            var place = Place(failed.Name);
            foreach (var sentence in FailureText.Sentence(failed).Split('\n')) actions?.Annotate(place?.File, place?.Line ?? 0, failed.Name, sentence);
        }
    }

    private IEnumerable<string> Table()
    {
        var table = new PlainTable(results.Cases.Select(c => c.Name), hasPasses: results.Cases.Any(c => c.Passes is not null));
        yield return table.Head;
        foreach (var result in results.Cases) yield return table.Line(result);
        if (RunSummary.Footnote(results) is { } note) yield return note;
        yield return $"{Headline.Of(results)}; {Headline.Environment(results.Environment)}";
        foreach (var line in ResultNotes.Of(results)) yield return line;
        if (results.Incomplete is { } why) yield return $"the run ended before its last case: {why}";
    }
}
