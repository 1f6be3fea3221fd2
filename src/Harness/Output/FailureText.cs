using Loadline.Checkpoints;
using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>A case that did not pass, for whoever has to repair it: the sentence first, then the evidence.</summary>
internal static class FailureText
{
    /// <summary>Several lines, without a break at the end.</summary>
    /// <param name="result">A result that did not pass.</param>
    /// <param name="place">Where the case stands, as in "budgets.json:12"; null for a case that no file holds.</param>
    public static string Of(CaseResult result, string? place)
    {
        List<string> lines = [result.Message ?? $"'{result.Name}' did not pass"];
        if (place is not null) lines.Add($"  {place}: '{result.Name}', because {result.Why}");
        if (result.Phases is { } phases)
        {
            lines.Add("  peak anonymous memory by phase:");
            lines.AddRange(phases.Select(p => $"    {p.Phase,-10} {ByteSize.Format(p.PeakAnonymousBytes),10}"));
        }

        if (result.LastLines is { Count: > 0 } said)
        {
            lines.Add("  the last lines of its output:");
            lines.AddRange(said.Select(l => $"    {l}"));
        }

        return string.Join("\n", lines);
    }
}
