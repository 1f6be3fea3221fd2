using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Drafting;

/// <summary>A first budget file, from what every strategy did with one checkpoint under one cap.</summary>
internal static class BudgetDraft
{
    /// <summary>Lies beside the file, so that editors complete and check it.</summary>
    public const string SchemaName = "budgets.schema.json";

    /// <summary>What <see cref="SchemaName"/> holds.</summary>
    public static byte[] Schema()
    {
        using var stream = typeof(BudgetDraft).Assembly.GetManifestResourceStream(SchemaName)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The file's text. What a run found becomes what the file allows; reasons are the strategies' own, for the reviewer to improve.</summary>
    /// <param name="checkpointPath">Relative to where the file will lie.</param>
    /// <param name="results">At least one, all of them loads that ended well.</param>
    /// <param name="headroomBytes">See <see cref="MeasuredBudget"/>.</param>
    public static string Of(string checkpointPath, IReadOnlyList<CaseResult> results, long headroomBytes)
    {
        var cases = results.Select(r => Case(r, headroomBytes));
        return $$"""
            {
              "$schema": {{Text("./" + SchemaName)}},
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
        var measured = new MeasuredBudget(result, headroomBytes);
        var budgets = $"\n      \"peakAnonymous\": {Size(measured.PeakAnonymousBytes)}, \"peakHost\": {Size(result.HostBytes)},"
            + (result.DeviceBytes > 0 ? $" \"peakDevice\": {Size(result.DeviceBytes)}," : "");
        return $$"""
                {
                  "name": {{Text(name)}},
                  "checkpoint": {{Text(result.Checkpoint)}}, "strategy": {{Text(result.Strategy!)}}, "device": {{Text(result.Device!)}}, "cap": {{Text(result.Cap)}}, "expect": {{Text(result.Outcome.Name())}},{{Uses(result)}}{{budgets}}
                  "why": {{Text(result.Why)}}
                }
            """;
    }

    private static string Uses(CaseResult result)
    {
        if (result.Passes is not { Count: var count }) return "";
        var use = result.Use is { } name ? $" \"use\": {Text(name)}," : "";
        var reread = result.Reread is { } limit ? string.Create(CultureInfo.InvariantCulture, $" \"reread\": {limit:0.####},") : "";
        return string.Create(CultureInfo.InvariantCulture, $"\n      \"passes\": {count},{use}{reread}");
    }

    // Whole MiB: nobody reviews more digits, and `update` writes exact counts for who wants them.
    private static string Size(long? bytes) => Text(SizeText.InMib(((bytes ?? 0) + ByteSize.MiB - 1) / ByteSize.MiB * ByteSize.MiB));

    // The file is for people: what JSON itself demands is escaped, and what nobody sees, which is written as JSON has it.
    private static string Text(string value) => $"\"{PrintableText.Escape(JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString())}\"";
}
