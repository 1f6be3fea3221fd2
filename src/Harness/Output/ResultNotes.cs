using Loadline.Checkpoints;
using Loadline.Harness.Results;

namespace Loadline.Harness.Output;

/// <summary>What is to be known of results besides their cases, a sentence each: what they are a part of, were made of, and leave out.</summary>
internal static class ResultNotes
{
    // All of them are in the results.
    private const int MostNames = 4;
    private const int MostNotes = 100;
    private const int MostParts = 20;
    private const int MostChars = 1000;

    /// <summary>None of what one machine measured in full.</summary>
    public static IEnumerable<string> Of(ResultFile results)
    {
        if (results.Shard is { } shard) yield return $"shard {shard.Shard} of a run of {shard.Cases.Count} {Cases(shard.Cases.Count)}";
        foreach (var same in (results.Skipped ?? []).GroupBy(s => s.Why))
        {
            var names = same.Select(s => s.Name).ToList();
            yield return $"{names.Count} {Cases(names.Count)} skipped, {same.Key}: {NameList.Of(names, MostNames)}";
        }

        foreach (var note in (results.Notes ?? []).Take(MostNotes)) yield return note;
        if (results.Notes?.Count > MostNotes) yield return $"{results.Notes.Count - MostNotes} notes more, which the results have";
        if (results.MergedFrom is not { Count: > 0 } parts) yield break;
        yield return $"put together from {string.Join("; ", parts.Take(MostParts).Select(Part))}{(parts.Count > MostParts ? $"; {parts.Count - MostParts} more" : "")}";
        var various = Fingerprint.OfMachines(results).Zip(Fingerprint.OfMachines(results with { MergedFrom = null }))
            .Where(fact => fact.First.Is != fact.Second.Is).Select(fact => $"{fact.First.What} {PrintableText.Shorten(fact.First.Is ?? "none", MostChars)}").ToList();
        if (various.Count > 0) yield return $"the machines differ in: {string.Join("; ", various)}";
    }

    private static string Part(MergedPart part) =>
        $"shard {part.Shard}, {part.Cases} {Cases(part.Cases)}, {Fingerprint.Short(part.File)}{(part.Measured is { } when ? $", measured {Fingerprint.Short(when)}" : "")}";

    private static string Cases(int count) => count == 1 ? "case" : "cases";
}
