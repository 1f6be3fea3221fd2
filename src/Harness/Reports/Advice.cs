using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>The answer to what people ask of their own checkpoint: which strategy is safe from which cap on, and which to take.</summary>
internal static class Advice
{
    /// <summary>"safe from: mmap-assign 32 MiB; streamed 690 MiB; eager 1347 MiB. Under this cap take streamed"; null where nothing was planned.</summary>
    public static string? Of(ResultFile results)
    {
        if (results.Cases.Any(c => c.Expect is not null)) return null;
        var planned = results.Cases.Where(c => c.PlannedCapBytes is not null).OrderBy(c => c.PlannedCapBytes).Select(c => $"{c.Strategy} {ByteSize.Format(c.PlannedCapBytes!.Value)}").ToList();
        if (planned.Count == 0) return null;
        var take = results.Take is { } strategy ? $"under this cap take {strategy}" : "under this cap none loads";
        return $"safe from: {string.Join("; ", planned)}. {char.ToUpperInvariant(take[0])}{take[1..]}";
    }
}
