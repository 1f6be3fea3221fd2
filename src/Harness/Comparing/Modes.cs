using Loadline.Harness.Results;

namespace Loadline.Harness.Comparing;

/// <summary>The mode of a measurement: what must be the same in both runs, or numbers would be compared that mean different things.</summary>
internal static class Modes
{
    /// <exception cref="InputException">The modes differ, or a run ended before its last case.</exception>
    public static void RefuseDifferent(ResultFile before, ResultFile after)
    {
        foreach (var (name, results) in new[] { ("base", before), ("head", after) })
        {
            if (results.Incomplete is { } why) throw new InputException($"the {name} run ended before its last case ({why}): run it again");
        }

        var (b, h) = (before.Environment, after.Environment);
        (string What, string? Base, string? Head)[] modes =
        [
            ("runtime", b.RuntimeName, h.RuntimeName),
            ("cgroup version", $"{b.CgroupVersion}", $"{h.CgroupVersion}"),
            ("engine", b.Engine, h.Engine),
            ("GPU", b.Gpu ?? "none", h.Gpu ?? "none"),
            .. before.Cases.Join(after.Cases, c => c.Name, c => c.Name, (o, n) => (o, n)).SelectMany(pair => new[]
            {
                ($"device of '{pair.o.Name}'", pair.o.Device, pair.n.Device),
                ($"engine of '{pair.o.Name}'", pair.o.Engine, pair.n.Engine),
                // What a library takes itself, another version of it may not.
                ($"library of '{pair.o.Name}'", pair.o.Library, pair.n.Library),
            }),
        ];
        var different = modes.Where(m => m.Base != m.Head).Select(m => $"{m.What} {m.Base ?? "none"} and {m.Head ?? "none"}").ToList();
        if (different.Count > 0) throw new InputException($"base and head were measured in different modes and cannot be compared: {string.Join("; ", different)}");
    }

    /// <summary>What may move a peak by less than the noise, and is worth knowing when it does not.</summary>
    public static IReadOnlyList<string> AlsoDifferent(RunEnvironment b, RunEnvironment h)
    {
        (string What, string? Base, string? Head)[] facts =
        [
            ("runtime", b.Runtime, h.Runtime),
            ("kernel", b.Kernel, h.Kernel),
            ("driver", b.Driver, h.Driver),
            ("cores", $"{b.Cores}", $"{h.Cores}"),
            ("RAM", ByteSize.Format(b.RamBytes), ByteSize.Format(h.RamBytes)),
        ];
        return [.. facts.Where(f => f.Base != f.Head).Select(f => $"{f.What} {f.Base ?? "none"} and {f.Head ?? "none"}")];
    }
}
