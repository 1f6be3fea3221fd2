using Loadline.Harness.Results;

namespace Loadline.Harness.Comparing;

/// <summary>Two runs, case by case.</summary>
/// <param name="Cases">Those of the second run in its order, then those that vanished.</param>
/// <param name="AlsoDifferent">Differences between the machines that make nothing incomparable, as "kernel 6.1 and 6.2".</param>
internal sealed record Comparison(IReadOnlyList<ComparedCase> Cases, IReadOnlyList<string> AlsoDifferent)
{
    /// <summary>The cases that fail a gate.</summary>
    public IEnumerable<ComparedCase> Regressions => Cases.Where(c => c.Change == Change.Regressed);

    /// <summary>Compares the cases of the same name.</summary>
    /// <param name="before">The base: what the target branch measured.</param>
    /// <param name="after">The head: what the change measured.</param>
    /// <exception cref="InputException">They were measured in different modes, one is not whole, or they have nothing in common.</exception>
    public static Comparison Of(ResultFile before, ResultFile after)
    {
        Modes.RefuseDifferent(before, after);
        var old = before.Cases.ToDictionary(c => c.Name);
        var compared = after.Cases.Select(head => old.Remove(head.Name, out var match)
            ? CaseComparer.Compare(match, head)
            : new ComparedCase(head.Name, Change.New, null, head)).ToList();
        if (compared.TrueForAll(c => c.Change == Change.New)) throw new InputException($"base and head have no case in common: {before.Cases.Count} and {after.Cases.Count} cases, and nothing to compare");
        // What is left has no counterpart.
        compared.AddRange(before.Cases.Where(c => old.ContainsKey(c.Name)).Select(c => new ComparedCase(c.Name, Change.Vanished, c, null)));
        return new Comparison(compared, Fingerprint.Differences(Fingerprint.OfMachines(before), Fingerprint.OfMachines(after)));
    }
}
