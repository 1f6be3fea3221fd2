using Loadline.Checkpoints;

namespace Loadline.Harness.Results;

/// <summary>A fact about where or how something was measured: "kernel", "6.1".</summary>
/// <param name="What">The same word in every run.</param>
/// <param name="Is">What it is there; null for none.</param>
internal sealed record Fact(string What, string? Is);

/// <summary>What tells two measurements apart.</summary>
internal static class Fingerprint
{
    // A kernel's and a runtime's longest names have some 60.
    private const int MostChars = 200;

    /// <summary>What must be the same where numbers are to mean the same.</summary>
    public static IEnumerable<Fact> OfMode(RunEnvironment e) =>
        [new("runtime", e.RuntimeName), new("cgroup version", $"{e.CgroupVersion}"), new("engine", e.Engine), new("GPU", e.Gpu ?? "none")];

    /// <summary>What may move a peak by less than the noise, and is worth knowing when it does not. Of several machines all that it is on any of them.</summary>
    public static IEnumerable<Fact> OfMachines(ResultFile results)
    {
        var machines = results.MergedFrom is { Count: > 0 } parts ? parts.Select(part => part.Environment).ToList() : [results.Environment];
        return
        [
            All("runtime", e => e.Runtime), All("kernel", e => e.Kernel), All("driver", e => e.Driver), All("cores", e => $"{e.Cores}"),
            All("RAM", e => ByteSize.Format(e.RamBytes)),
        ];

        Fact All(string what, Func<RunEnvironment, string?> of)
        {
            var values = machines.Select(of).Distinct().ToList();
            return new Fact(what, values is [var only] ? only : string.Join(", ", values.Select(value => value ?? "none")));
        }
    }

    /// <summary>"kernel 6.1 and 6.2", for each fact that is not the same.</summary>
    /// <param name="some">In the order of <paramref name="others"/>.</param>
    /// <param name="others">The same facts of something else.</param>
    public static List<string> Differences(IEnumerable<Fact> some, IEnumerable<Fact> others) =>
        [.. some.Zip(others, (a, b) => (a.What, A: a.Is, B: b.Is)).Where(f => f.A != f.B).Select(f => $"{f.What} {Short(f.A)} and {Short(f.B)}")];

    private static string Short(string? fact) => PrintableText.Shorten(fact ?? "none", MostChars);
}
