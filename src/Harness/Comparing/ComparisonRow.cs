using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Comparing;

/// <summary>A compared case as text, for the terminal and for markdown alike. Memory is in MiB.</summary>
internal sealed record ComparisonRow(string Name, string Change, string Base, string Head, string Delta, string Budget, string Headroom)
{
    /// <summary>What stands over the columns.</summary>
    public static readonly ComparisonRow Heads = new("case", "change", "base MiB", "head MiB", "delta MiB", "budget MiB", "headroom MiB");

    /// <summary>The row of a case.</summary>
    public static ComparisonRow Of(ComparedCase compared)
    {
        var head = compared.Head is null ? null : CaseRow.Of(compared.Head);
        return new ComparisonRow(
            compared.Name,
            compared.Change.ToString().ToLowerInvariant(),
            Measured(compared.Base),
            Measured(compared.Head),
            Difference(compared.Base, compared.Head),
            head?.Budget ?? "",
            head?.Headroom ?? "");
    }

    /// <summary>The cells from left to right.</summary>
    public IReadOnlyList<string> Cells => [Name, Change, Base, Head, Delta, Budget, Headroom];

    // The peak of a load that did not end says when it died, not what it takes.
    private static string Measured(CaseResult? result) =>
        result is null ? "" : result.Outcome == Outcome.Loaded ? CaseRow.Of(result).Peak : result.Outcome.Name();

    private static string Difference(CaseResult? before, CaseResult? after)
    {
        if (before is not { Outcome: Outcome.Loaded, PeakAnonymousBytes: { } old } || after is not { Outcome: Outcome.Loaded, PeakAnonymousBytes: { } now }) return "";
        var mib = (double)(now - old) / ByteSize.MiB;
        return FormattableString.Invariant($"{mib:+0.0;-0.0;0.0}");
    }
}
