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

    private const int MostDifferences = 20;

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
            return new Fact(what, values is [var only] ? only : string.Join(", ", values.Select(Short)));
        }
    }

    /// <summary>"kernel 6.1 and 6.2", for each fact that is not the same; of many the first, and how many there are more.</summary>
    /// <param name="some">In the order of <paramref name="others"/>.</param>
    /// <param name="others">The same facts of something else.</param>
    public static List<string> Differences(IEnumerable<Fact> some, IEnumerable<Fact> others)
    {
        var (told, more) = (new List<string>(), 0);
        foreach (var (a, b) in some.Zip(others).Where(facts => facts.First.Is != facts.Second.Is))
        {
            if (told.Count < MostDifferences) told.Add($"{Short(a.What)} {Short(a.Is)} and {Short(b.Is)}");
            else more++;
        }

        if (more > 0) told.Add($"{more} more");
        return told;
    }

    /// <summary>A fact as it is told, with its middle left out where it is long.</summary>
    public static string Short(string? fact) => PrintableText.Shorten(fact ?? "none", MostChars);
}
