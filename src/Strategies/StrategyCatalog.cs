using System.Diagnostics.CodeAnalysis;
using Loadline.Strategies.Catalog;

namespace Loadline.Strategies;

/// <summary>
/// The strategies, in the order in which they improve on each other. The command line, the contract tests, the constrained suite and the README's
/// table all go by this list: a strategy is tested by standing in it.
/// </summary>
public static class StrategyCatalog
{
    /// <summary>All of them but the one that chooses.</summary>
    internal static IReadOnlyList<LoadingStrategy> Candidates { get; } =
    [
        new Eager(),
        new CpuThenTo(),
        new Sequential(),
        new MetaSequential(),
        new MetaAssign(),
        new MmapAssign(),
        new PerTensor(),
        new DeviceMapped(),
        new Streamed(),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<LoadingStrategy> All { get; } = [.. Candidates, new Auto(Candidates)];

    /// <summary>Finds a strategy by its name.</summary>
    public static bool TryFind(string? name, [NotNullWhen(true)] out LoadingStrategy? strategy)
    {
        strategy = All.FirstOrDefault(s => s.Name == name);
        return strategy is not null;
    }

    /// <summary>Finds a strategy by its name.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message lists those there are.</exception>
    public static LoadingStrategy Find(string name) => TryFind(name, out var strategy)
        ? strategy
        : throw new ArgumentException($"there is no strategy '{name}': choose {string.Join(", ", All.Select(s => s.Name))}");
}
