using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>Says what results come to: on standard output, and where a step of GitHub Actions is read.</summary>
internal sealed class ResultReport(HarnessServices services, ResultFile results)
{
    /// <summary>Where a case of a name stands; null for one that no file holds.</summary>
    public Func<string, (string File, int Line)?> Place { get; init; } = _ => null;

    private IEnumerable<CaseResult> Failed => results.Cases.Where(r => !r.Pass);

    /// <summary>The table, for logs and pipes.</summary>
    public void PrintTable()
    {
        var table = new PlainTable(results.Cases.Select(c => c.Name));
        services.Out.WriteLine(table.Head);
        foreach (var result in results.Cases) services.Out.WriteLine(table.Line(result));
        services.Out.WriteLine($"{Headline.Of(results)}; {Headline.Environment(results.Environment)}");
        if (results.Incomplete is { } why) services.Out.WriteLine($"the run ended before its last case: {why}");
    }

    /// <summary>What did not pass, with the evidence.</summary>
    public void PrintFailures()
    {
        var texts = Failed.Select(f => "\n" + FailureText.Of(f, Place(f.Name) is var (file, line) ? $"{file}:{line}" : null)).ToList();
        if (texts.Count == 0) return;
        // The evidence holds other programs' output.
        if (services.Actions is { } actions) actions.WriteForeign(string.Join("\n", texts));
        else texts.ForEach(services.Out.WriteLine);
    }

    /// <summary>All of it as markdown: the job's summary in GitHub Actions, else on standard output.</summary>
    public void Summarise()
    {
        if (services.Actions is { } actions) actions.Summarise(maxBytes => ResultMarkdown.Of(results, maxBytes));
        else services.Out.WriteLine(ResultMarkdown.Of(results));
    }

    /// <summary>An annotation for each budget that was missed; nothing outside GitHub Actions.</summary>
    public void Annotate()
    {
        foreach (var failed in Failed)
        {
            var place = Place(failed.Name);
            foreach (var sentence in FailureText.Sentence(failed).Split('\n')) services.Actions?.Annotate(place?.File, place?.Line ?? 0, failed.Name, sentence);
        }
    }
}
