using Loadline.Harness.Results;

namespace Loadline.Harness.Merging;

/// <summary>Whether two shards are of one run: of the same commit and budgets, measured in the same mode, and cut in the same way.</summary>
internal static class SameRun
{
    private const int DigestCharacters = 19;

    /// <exception cref="InputException">They are not: with every difference.</exception>
    public static void RefuseOthers(RunPart first, RunPart other)
    {
        var different = Fingerprint.Differences(Facts(first.Results), Facts(other.Results));
        different.AddRange(Libraries(first.Results, other.Results));
        var (names, others) = (first.Results.Shard!.Cases, other.Results.Shard!.Cases);
        if (!names.SequenceEqual(others)) different.Add(Cases(names, others));
        if (different.Count > 0) throw new InputException($"{first.Path} and {other.Path}: are of different runs: {string.Join("; ", different)}");
    }

    private static IEnumerable<Fact> Facts(ResultFile results) =>
    [
        new("commit", results.Commit),
        new("version", results.Version),
        new("budgets", Short(results.BudgetsDigest)),
        new("shards", $"{results.Shard!.Of}"),
        new("--balance-by", Short(results.Shard.BalancedBy)),
        .. Fingerprint.OfMode(results.Environment),
    ];

    // What an engine's library takes itself, another version of it may not.
    private static IEnumerable<string> Libraries(ResultFile first, ResultFile other)
    {
        var (some, others) = (ByEngine(first), ByEngine(other));
        var common = some.Keys.Intersect(others.Keys).ToList();
        return Fingerprint.Differences(common.Select(key => some[key]), common.Select(key => others[key]));
    }

    private static Dictionary<(string?, string?, int?), Fact> ByEngine(ResultFile results) => results.Cases
        .Where(c => c.Library is not null)
        .GroupBy(c => (c.Engine, c.Image, c.Gpus))
        .ToDictionary(same => same.Key, same => new Fact($"library of {Fingerprint.Short(same.Key.Engine ?? "the engine")}", same.First().Library));

    private static string Cases(IReadOnlyList<string> some, IReadOnlyList<string> others)
    {
        var (here, there) = (some.Except(others).ToList(), others.Except(some).ToList());
        return $"{some.Count} cases and {others.Count}" + Only("first", here) + Only("second", there);

        static string Only(string which, IReadOnlyCollection<string> names) =>
            names.Count == 0 ? "" : $", only in the {which} {NameList.Of(names)}";
    }

    private static string? Short(string? digest) => digest is null ? null : digest[..Math.Min(DigestCharacters, digest.Length)];
}
