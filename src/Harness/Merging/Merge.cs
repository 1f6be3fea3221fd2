using Loadline.Checkpoints;
using Loadline.Harness.Results;

namespace Loadline.Harness.Merging;

/// <summary>Puts the shards of a run together. What comes out is what one machine would have written, and says what it was made of.</summary>
internal static class Merge
{
    /// <summary>The run, with its cases in its order.</summary>
    /// <param name="parts">At least one.</param>
    /// <exception cref="InputException">They are not of one run, or hold something twice.</exception>
    public static ResultFile Of(IReadOnlyList<RunPart> parts)
    {
        RefuseWhole(parts);
        foreach (var other in parts.Skip(1)) SameRun.RefuseOthers(parts[0], other);
        RefuseDoubled(parts);

        var first = parts[0].Results;
        var missing = first.Shard!.Cases.Except(parts.SelectMany(Names)).ToList();
        var cases = parts.SelectMany(part => part.Results.Cases).ToDictionary(c => c.Name);
        var skipped = parts.SelectMany(part => part.Results.Skipped ?? []).ToDictionary(s => s.Name);
        var notes = parts.SelectMany(part => part.Results.Notes ?? []).Concat(Doubts(parts, missing.Count)).Distinct().ToList();
        var names = first.Shard!.Cases;
        return first with
        {
            Cases = [.. names.Where(cases.ContainsKey).Select(name => cases[name])],
            Skipped = skipped.Count == 0 ? null : [.. names.Where(skipped.ContainsKey).Select(name => skipped[name])],
            Notes = notes.Count == 0 ? null : notes,
            Measured = parts.Select(part => part.Results.Measured).Max(StringComparer.Ordinal),
            Shard = null,
            Incomplete = WhyIncomplete(parts, missing),
            MergedFrom = [.. parts.OrderBy(part => part.Results.Shard!.Number).Select(Part)],
        };
    }

    private static MergedPart Part(RunPart part) =>
        new(PrintableText.Escape(part.Path), part.Results.Shard!.Shard.ToString(), part.Results.Cases.Count, part.Results.Measured, part.Results.Environment);

    private static void RefuseWhole(IReadOnlyList<RunPart> parts)
    {
        if (parts.FirstOrDefault(part => part.Results.Shard is null) is not { } whole) return;
        var what = whole.Results.MergedFrom is null ? "is a run of its own" : "is put together already";
        throw new InputException($"{whole.Path}: {what}, and no shard of one: several files are those of `loadline run --shard 1/N` to N/N");
    }

    private static void RefuseDoubled(IReadOnlyList<RunPart> parts)
    {
        if (parts.GroupBy(part => part.Results.Shard!.Number).FirstOrDefault(same => same.Count() > 1) is { } shard)
        {
            var names = shard.SelectMany(Names).CountBy(name => name).Where(c => c.Value > 1).Select(c => c.Key).ToList();
            throw Doubled($"shard {shard.First().Results.Shard!.Shard}{(names.Count == 0 ? "" : $" ({NameList.Of(names)})")}", shard);
        }

        var placed = new Dictionary<string, RunPart>(StringComparer.Ordinal);
        foreach (var part in parts)
        {
            foreach (var name in Names(part))
            {
                if (!placed.TryAdd(name, part)) throw Doubled($"case '{NameList.Shortened(name)}'", [placed[name], part]);
            }
        }
    }

    private static InputException Doubled(string what, IEnumerable<RunPart> parts) =>
        new($"{what} stands in {string.Join(" and in ", parts.Select(part => part.Path))}: leave one out");

    private static IEnumerable<string> Names(RunPart part) =>
        part.Results.Cases.Select(c => c.Name).Concat((part.Results.Skipped ?? []).Select(s => s.Name));

    // None of it makes the run another one, and whoever reads it has to know.
    private static IEnumerable<string> Doubts(IReadOnlyList<RunPart> parts, int missing)
    {
        (string What, Func<ResultFile, string?> Of)[] signs = [("commit", r => r.Commit), ("digest of its budgets", r => r.BudgetsDigest)];
        foreach (var (what, of) in signs)
        {
            // Where only some have one, they are refused as different.
            if (parts.Count > 1 && parts.All(part => of(part.Results) is null)) yield return $"no shard names the {what}: that they are of one run is not known";
        }

        // Where cases are missing with it, the run is incomplete and says so.
        if (missing == 0 && AbsentShards(parts) is { Length: > 0 } absent) yield return $"shard {absent} is not among the files, and no case is missing without it";
    }

    private static string AbsentShards(IReadOnlyList<RunPart> parts)
    {
        var count = parts[0].Results.Shard!.Of;
        return string.Join(", ", Enumerable.Range(1, count).Except(parts.Select(part => part.Results.Shard!.Number)).Select(number => $"{number}/{count}"));
    }

    private static string? WhyIncomplete(IReadOnlyList<RunPart> parts, IReadOnlyList<string> missing)
    {
        var reasons = parts.Where(part => part.Results.Incomplete is not null)
            .Select(part => $"shard {part.Results.Shard!.Shard} of {PrintableText.Escape(part.Path)} ended early, {part.Results.Incomplete}").ToList();
        if (missing.Count > 0)
        {
            var all = parts[0].Results.Shard!.Cases.Count;
            var shards = AbsentShards(parts) is { Length: > 0 } absent ? $" without shard {absent}" : "";
            reasons.Add($"{missing.Count} of {all} cases {(missing.Count == 1 ? "is" : "are")} missing{shards}: {NameList.Of(missing)}");
        }

        return reasons.Count == 0 ? null : string.Join("; ", reasons);
    }
}
