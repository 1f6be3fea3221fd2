using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>One case on the page: what it is, its timeline, and who held the memory.</summary>
internal static class CaseCard
{
    /// <summary>The <c>article</c> element.</summary>
    public static string Of(CaseResult result, int index)
    {
        var failure = result.Pass ? "" : $"""<p class="failure">{Encode(FailureText.Sentence(result)).Replace("\n", "<br>")}</p>""";
        var chart = TimelineChart.Draw(result, $"chart-{index}") ?? """<p class="none">no samples: the program tells nothing of itself</p>""";
        return $"""
            <article id="case-{index}" class="{(result.Pass ? "" : "missed")}">
            <h3>{CaseTable.Mark(result)} {Encode(result.Name)}</h3>
            <p class="what">{Encode(What(result))}</p>
            {failure}
            <figure>{chart}<figcaption>{Encode(result.Why)}</figcaption></figure>
            {Evidence(result)}
            </article>
            """;
    }

    private static string What(CaseResult result)
    {
        var row = CaseRow.Of(result);
        var budget = row.Budget == "" ? "" : $" of {row.Budget}";
        var peak = result.Outcome == Outcome.Killed ? $"stood at {CaseRow.Mib(result.PeakAnonymousBytes)}" : $"peak {row.Peak}{budget}";
        return $"{row.Outcome}, {peak} MiB, cap {row.Cap}, {row.Seconds} s{(row.Reread == "" ? "" : $", {row.Reread} of the weights read again at a use")}{(row.Reason == "" ? "" : $": {row.Reason}")}";
    }

    private static string Evidence(CaseResult result)
    {
        var parts = FailureText.Evidence(result).Select(part => $"<h4>{Encode(part.Head)}</h4><pre>{Encode(string.Join("\n", part.Lines))}</pre>").ToList();
        return parts.Count == 0 ? "" : $"<details{(result.Pass ? "" : " open")}><summary>Phases and holders</summary>{string.Concat(parts)}</details>";
    }

    private static string Encode(string text) => ResultPage.Encode(text);
}
