using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Comparing;

/// <summary>The mode of a measurement: what must be the same in both runs, or numbers would be compared that mean different things.</summary>
internal static class Modes
{
    /// <exception cref="InputException">The modes differ, or a run ended before its last case.</exception>
    public static void RefuseDifferent(ResultFile before, ResultFile after)
    {
        foreach (var (name, results) in new[] { ("base", before), ("head", after) })
        {
            if (results.Incomplete is { } why) throw new InputException($"the {name} run ended before its last case ({why}): {results.ToDo}");
        }

        var pairs = before.Cases.Join(after.Cases, c => c.Name, c => c.Name, (o, n) => (o, n)).Where(pair => Of(pair.o) != Of(pair.n)).ToList();
        var different = Fingerprint.Differences(
            Fingerprint.OfMode(before.Environment).Concat(pairs.SelectMany(pair => OfCase(pair.o))),
            Fingerprint.OfMode(after.Environment).Concat(pairs.SelectMany(pair => OfCase(pair.n))));
        if (different.Count > 0) throw new InputException($"base and head were measured in different modes and cannot be compared: {string.Join("; ", different)}");
    }

    // What a library takes itself, another version of it may not.
    private static (string?, string?, string?) Of(CaseResult c) => (Devices(c), Engine(c), c.Library);

    // A default may be written out, or not; a size in one unit or another.
    private static string? Engine(CaseResult c) => c.Engine ?? (c.Strategy is null ? null : EngineNames.Native);

    private static string? Devices(CaseResult c) => c.Device is { } text && Known.DevicesProblem(text, out var devices) is null ? devices!.ToString() : c.Device;

    private static IEnumerable<Fact> OfCase(CaseResult c)
    {
        var name = NameList.Shortened(c.Name);
        return [new($"device of '{name}'", Devices(c)), new($"engine of '{name}'", Engine(c)), new($"library of '{name}'", c.Library)];
    }
}
