using System.Text.Encodings.Web;
using System.Text.Json;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Drafting;

/// <summary>A first budget file, from what every strategy did with one checkpoint under one cap.</summary>
internal static class BudgetDraft
{
    /// <summary>The file's text. What a run found becomes what the file expects; reasons are the strategies' own, for the reviewer to improve.</summary>
    /// <param name="checkpointPath">Relative to where the file will lie.</param>
    /// <param name="results">At least one.</param>
    /// <param name="headroomBytes">See <see cref="MeasuredBudget"/>.</param>
    public static string Of(string checkpointPath, IReadOnlyList<CaseResult> results, long headroomBytes)
    {
        var cases = results.Where(r => Outcomes.Expectable.Contains(r.Outcome)).Select(r => Case(r, headroomBytes));
        return $$"""
            {
              "checkpoints": {
                {{Text(results[0].Checkpoint)}}: { "path": {{Text(checkpointPath)}} }
              },
              "cases": [
            {{string.Join(",\n", cases)}}
              ]
            }

            """;
    }

    private static string Case(CaseResult result, long headroomBytes)
    {
        var name = $"{result.Strategy} on {result.Device} under {SizeText.InWords(result.CapBytes)}";
        var budgets = "";
        if (result.Outcome == Outcome.Loaded)
        {
            var measured = new MeasuredBudget(result, headroomBytes);
            budgets = $"\n      \"peakAnonymous\": {Size(measured.PeakAnonymousBytes)}, \"peakHost\": {Size(result.HostBytes)},"
                + (result.DeviceBytes > 0 ? $" \"peakDevice\": {Size(result.DeviceBytes)}," : "");
        }

        return $$"""
                {
                  "name": {{Text(name)}},
                  "checkpoint": {{Text(result.Checkpoint)}}, "strategy": {{Text(result.Strategy!)}}, "device": {{Text(result.Device!)}}, "cap": {{Text(result.Cap)}}, "expect": {{Text(result.Outcome.Name())}},{{budgets}}
                  "why": {{Text(result.Why)}}
                }
            """;
    }

    private static string Size(long? bytes) => Text(SizeText.InMib(bytes ?? 0));

    // The file is for people: only what JSON itself demands is escaped.
    private static string Text(string value) => $"\"{JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
